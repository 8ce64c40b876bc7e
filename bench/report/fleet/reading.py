"""The records of a fleet, and the hosts that have none.

playbooks/bench.yml leaves a folder: `gpu1.json` is the record of gpu1, and `gpu2.txt` says why gpu2
has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.errors import RecordError, shown, why
from bench.record import codec, store
from bench.record.head import WITHHELD
from bench.record.model import Record, Result
from bench.record.runs import STAMP, resolve

_WHY = ".txt"


@dataclass(frozen=True, slots=True)
class Member:
    """A host with a record; several have one name where a host has several.

    name: what the file was named after, or the host's own.
    """

    name: str
    path: Path
    record: Record


@dataclass(frozen=True, slots=True)
class Fleet:
    """Some hosts.

    missing: why each of the others has no record.
    """

    members: tuple[Member, ...]
    missing: dict[str, str]


def read(words: Sequence[str], folder: Path) -> Fleet:
    """The records that the words mean: each is a RUN, or a folder with a record a host.

    folder: where the runs are that are not named by a path.

    Raises:
        RecordError: there is no such run, or one that was named is damaged.  In a folder a damaged
            one leaves its own host without a record.
    """
    members: list[Member] = []
    missing: dict[str, str] = {}
    for word in words:
        if Path(word).is_dir():
            _read_folder(Path(word), members, missing)
        else:
            members += [_member(path) for path in resolve([word], folder)]
    if not members and not missing:
        raise RecordError(f"{', '.join(words)}: no record there; name records, or another folder")
    each_once = {member.path.resolve(): member for member in members}
    return Fleet(tuple(_told_apart([*each_once.values()])), missing)


def _read_folder(folder: Path, members: list[Member], missing: dict[str, str]) -> None:
    records = _records_in(folder)
    for path in records:
        try:
            members.append(_member(path))
        except RecordError as error:
            missing[path.stem] = str(error)
    known = {path.stem for path in records}
    for path in sorted(folder.glob(f"*{_WHY}")):
        if path.stem not in known:
            missing[path.stem] = _first_line(path)


def _records_in(folder: Path) -> list[Path]:
    """One a host: what ended before what did not."""
    found = {path.stem: path for path in reversed(store.paths(folder))}
    return [found[name] for name in sorted(found)]


def newest(members: Sequence[Member]) -> dict[str, list[Member]]:
    """The runs of each host, each with the rows that no newer one of them has trained."""
    last: dict[tuple[str, ...], Member] = {}
    for each in sorted(members, key=lambda member: member.record.started):
        last.update(dict.fromkeys((_row(each, result) for result in each.record.results), each))
    hosts: dict[str, list[Member]] = {}
    for each in members:
        kept = tuple(one for one in each.record.results if last[_row(each, one)] is each)
        record = msgspec.structs.replace(each.record, results=kept)
        hosts.setdefault(each.name, []).append(replace(each, record=record))
    return hosts


def _row(member: Member, result: Result) -> tuple[str, ...]:
    return member.name, result.workload, result.device.id, str(result.way)


def _member(path: Path) -> Member:
    record = codec.read(path)
    own = record.machine.host if STAMP.match(path.stem) else path.stem
    return Member(path.stem if own == WITHHELD else own, path, record)


def _told_apart(members: list[Member]) -> Iterator[Member]:
    """Several machines of one name, as their GPUs show, have their runs' time in it."""
    cards: defaultdict[str, list[set[str]]] = defaultdict(list)
    for each in members:
        own = {uuid for device in each.record.machine.devices for uuid in device.uuids}
        cards[each.name] += [own] if own else []
    for each in members:
        several = any(own.isdisjoint(cards[each.name][0]) for own in cards[each.name])
        when = f" {each.record.started:%m-%d %H:%M:%S}" if several else ""
        yield Member(shown(f"{each.name}{when}"), each.path, each.record)


def _first_line(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"{path} cannot be read: {why(error)}"
    return shown(" ".join(text.split())) or "no reason is told"
