"""A record as a file holds it: JSON, decoded and validated where it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from bench.datasets import signatures
from bench.errors import RecordError, in_words, lines, shown, why
from bench.files import content
from bench.invocation import BENCHMARK
from bench.record import legacy
from bench.record.head import SCHEMA, Head
from bench.record.model import Record, Training

_Line: TypeAlias = dict[Literal["results", "time_to_target"], Any]

# The suffix of a record that is not finished (bench.record.store).
JOURNAL = ".jsonl"
# Tens of thousands of trainings.
MOST_BYTES = 256 << 20
_ANOTHER = f"run `{BENCHMARK}` to make another"


def encode(record: Record) -> bytes:
    """The record as its file: indented, NaN and the infinities as null."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def to_json(result: Training) -> dict[str, Any]:
    """A result as JSON has it, for what writes JSON itself."""
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(result))
    return made


def head_of(record: Record) -> Head:
    """The head of a record alone."""
    return Head(**{name: getattr(record, name) for name in Head.__struct_fields__})


def journal_head(head: Head) -> bytes:
    """The first line of a journal."""
    return msgspec.json.encode(head) + b"\n"


def journal_line(result: Training, *, to_target: bool = False) -> bytes:
    """The line of a result."""
    member = "time_to_target" if to_target else "results"
    return msgspec.json.encode({member: result}) + b"\n"


def file_of(path: Path) -> Path:
    """The file that holds a record: the journal of its name, while that alone is there."""
    journal = path.with_suffix(JOURNAL)
    return journal if journal.exists() and not path.exists() else path


def read(path: Path) -> Record:
    """The record in a file, whichever schema it was written with.

    path: one that ended, or the journal of one that did not, by its own name or the record's.

    Raises:
        RecordError: there is none, it is damaged, or this version cannot read it.
    """
    try:
        data = content(file_of(path), MOST_BYTES)
    except OSError as error:
        raise RecordError(
            f"{shown(path)} cannot be read: {why(error)}; name a record, as `{BENCHMARK}` leaves "
            "them in results/"
        ) from error
    return decode(data, path)


def decode(data: bytes, path: Path) -> Record:
    """The record that a file's content is.

    path: names it in errors.

    Raises:
        RecordError: it is damaged, or this version cannot read it.
    """
    try:
        document = _plain(_document(data))
    except (ValueError, RecursionError) as error:  # not UTF-8 is one, too
        raise RecordError(f"{shown(path)} {_no_json(data, error)}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if type(schema) is not int:  # True is one of those, too
        raise RecordError(
            f"{shown(path)} is no record of Grindstone's; `{BENCHMARK}` leaves them in results/"
        )
    if not 1 <= schema <= SCHEMA:
        raise RecordError(
            f"{shown(path)} is a record of schema {schema}, and this Grindstone reads 1 to "
            f"{SCHEMA}; read it with a newer Grindstone"
        )
    return from_document(document, path)


def _no_json(data: bytes, error: Exception) -> str:
    """What a file is that should be a record, where its first bytes tell."""
    if not data:
        return "is empty: its run was killed, or the disk was full; remove it"
    known = None if data.lstrip()[:1] == b"{" else signatures.read(data[: signatures.ENOUGH])
    if known:
        return f"is no record, but {known.what}: {known.fix}"
    if data.lstrip()[:1].isalnum():
        return f"is text and no record of Grindstone's; `{BENCHMARK}` leaves them in results/"
    return f"is damaged: it is no JSON ({error}); it may have been cut short in a copy"


def _plain(value: Any) -> Any:
    """What a file says, in characters that move no cursor: it may be anybody's."""
    if isinstance(value, str):
        return value if value.isprintable() else lines(value)
    if isinstance(value, dict):
        return {_plain(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _document(data: bytes) -> Any:
    """The JSON of a record, or of a journal: then without the line that was being written."""
    head, *lines = data.split(b"\n")
    if len(lines) < 2 or not head.endswith(b"}"):
        whole = msgspec.json.decode(data)
        # A head alone, of a run that was killed in its first training.
        return {"ended": "results" in whole, **whole} if isinstance(whole, dict) else whole
    document: dict[str, Any] = {
        **msgspec.json.decode(head),
        "results": [],
        "time_to_target": [],
        "ended": False,
    }
    for line in lines[:-1]:  # behind the last line's end there is nothing, or a line without one
        ((member, result),) = msgspec.json.decode(line, type=_Line).items()
        document[member].append(result)
    return document


def from_document(document: dict[str, Any], path: Path) -> Record:
    """The record that a document of any schema is.

    Raises:
        RecordError: it is not whole.
    """
    try:
        return msgspec.convert(legacy.upgraded(document), Record)
    except (msgspec.ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{shown(path)} is not whole: {_words(error)}; {_ANOTHER}") from error


def _words(error: Exception) -> str:
    """`results[3].epochs: it lacks what a record has (...)` in one line."""
    what, _, where = str(error).partition(" - at `$")
    member = where.rstrip("`").lstrip(".") or "its head"
    if not isinstance(error, msgspec.ValidationError):
        what = f"{what} is missing" if isinstance(error, KeyError) else in_words(error)
    return f"{member} is not as a record has it ({what})"
