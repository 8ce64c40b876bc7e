"""Records that somebody else has written: whatever is in them, nothing of it steers a terminal."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import __main__ as verbs
from bench.errors import RecordError, lines, shown
from bench.record import codec
from bench.record.model import Result
from bench.report.format import Screen
from tests.support import records
from tests.support.records import CPU, H100, failed, result

# A title, a cleared screen, colours, backspaces, a C1 code, other directions, a line separator.
_STEERS = "\x1b]0;x\x07\x1b[2J\x1b[31m\r\x08\x9b5m\u202e\u2028\x7f"


def _texts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts in a document are."""
    if isinstance(value, str):
        yield place
    elif isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(each, (*place, name))


def _put(document: Any, place: tuple[Any, ...], suffix: str) -> Any:
    made = copy.deepcopy(document)
    inner = made
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] += suffix
    return made


def _accepted(document: Any) -> bool:
    try:
        codec.decode(json.dumps(document).encode(), Path("x.json"))
    except RecordError:
        return False
    return True


@pytest.fixture(scope="module")
def hostile() -> str:
    """A record in which every text that may be any text steers, its file's content."""
    trained: list[Result] = [
        result("mlp"),
        result("mlp", H100),
        failed("convnet", CPU, "killed\nby\tSIGKILL"),
    ]
    document = json.loads(codec.encode(records.record(trained)))
    for place in list(_texts(document)):
        made = _put(document, place, _STEERS)
        document = made if _accepted(made) else document
    text = json.dumps(document)
    assert text.count(r"\u001b]0;x") > 20
    return text


def _must_not_steer(text: str) -> None:
    bad = {character for character in text if not character.isprintable()} - {"\n"}
    assert not bad, repr(text)


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--workload", "mlp"],
        ["show", "last", "-v"],
        ["compare", "last", "-2"],
        ["compare", "last", "-2", "--json"],
        ["compare", "best", "last"],
        ["export", "last", "-2", "--csv"],
        ["export", "last", "--markdown"],
        ["export", "last", "--json"],
        ["share", "last"],
        ["fleet", "last", "-2"],
        ["page", "last"],
        ["merge", "last", "-2", "--out", "FOLDER/merged.json"],
        ["show", "20261121"],
        ["show", f"none{_STEERS}"],
        ["compare", f"none{_STEERS}.json", "last"],
        ["page", "last", "--html", f"FOLDER/{_STEERS}/a.html"],
    ],
)
@pytest.mark.parametrize("damaged", [False, True])
def test_no_verb_prints_what_steers_a_terminal(
    hostile: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    damaged: bool,
) -> None:
    folder = tmp_path / f"runs{_STEERS}"
    folder.mkdir()
    for second in (1, 2):
        path = folder / f"20261121T04050{second}Z-{_STEERS}.json"
        path.write_text(hostile, encoding="utf-8")
    if damaged:
        (folder / f"20261121T040503Z-{_STEERS}.json").write_text(hostile[:500], encoding="utf-8")
    words = [word.replace("FOLDER", str(tmp_path)) for word in words]
    assert verbs.main([*words, f"--results-dir={folder}"]) in (0, 1, 2)
    said = capsys.readouterr()
    assert said.out + said.err
    if words[0] != "page" or said.err:  # its path goes to a script as it is
        _must_not_steer(said.out + said.err)


def test_on_a_terminal_with_colours_only_ours_are_there() -> None:
    screen = Screen(colours=True)
    told = screen.plain(f"\x1b[31mred\x1b[0m \x1b[2J\x1b]0;x\x07{_STEERS[:4]}\nnext\n")
    assert told == "\x1b[31mred\x1b[0m \\x1b[2J\\x1b]0;x\\x07\\x1b]0;\nnext\n"


@given(st.text())
def test_a_text_of_lines_keeps_its_lines_and_nothing_that_steers(text: str) -> None:
    _must_not_steer(lines(text))
    assert lines(text).count("\n") == text.count("\n")
    assert shown(text).isprintable() or not text


def test_a_record_reads_as_it_was_written_where_nothing_in_it_steers(tmp_path: Path) -> None:
    made = records.record([failed("mlp", CPU, "killed\n    its last line ± ü"), result("post")])
    path = tmp_path / "a.json"
    path.write_bytes(codec.encode(made))
    assert codec.read(path) == made
