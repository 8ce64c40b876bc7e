from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.errors import RecordError
from bench.record import codec
from bench.record.model import Bottleneck
from bench.record.store import RecordFile, is_held, new_path, paths
from tests.conftest import ROOT, unprivileged
from tests.support.records import CPU, failed, head, result, time_to_target

_NOON = datetime.datetime(2026, 11, 21, 12, 0, 5, tzinfo=datetime.timezone.utc)
_HEAD = head()


def test_every_result_is_on_the_disk_as_soon_as_it_is_added(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "new" / "folder" / "run.json", _HEAD)
    for count in (1, 2, 3):
        file.add(result(repeat=count))
        going_on = replace(file.record, ended=False)
        assert codec.read(file.path) == codec.read(file.journal) == going_on
        assert len(file.record.results) == count
    file.add_time_to_target(time_to_target())
    file.add_time_to_target(failed("post", CPU, "killed"))
    assert codec.read(file.path) == replace(file.record, ended=False)
    assert paths(file.path.parent) == [file.journal]


def test_the_record_takes_the_journals_place_when_the_run_ends(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "run.json", _HEAD)
    file.add(result())
    file.add_time_to_target(time_to_target())
    known = tuple(
        replace(each, bottleneck=Bottleneck("unknown", None, None)) for each in [result()]
    )
    file.close(known)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert codec.read(file.path) == replace(file.record, results=known)


def test_a_run_without_a_training_leaves_no_record(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "run.json", _HEAD)
    file.begin()
    assert codec.read(file.journal).results == ()
    file.close()
    assert not file.written
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_killed_leaves_all_that_it_added(tmp_path: Path) -> None:
    program = (
        "import itertools, pathlib\n"
        "from bench.record.store import RecordFile\n"
        "from tests.support.records import head, result\n"
        f"file = RecordFile(pathlib.Path({str(tmp_path / 'run.json')!r}), head())\n"
        "for repeat in itertools.count(1):\n"
        "    file.add(result(repeat=repeat))\n"
        "    print(repeat, flush=True)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        told = [int(run.stdout.readline()) for _ in range(20)]
        os.kill(run.pid, signal.SIGKILL)
        told += [int(line) for line in run.stdout]
    repeats = [each.repeat for each in codec.read(tmp_path / "run.json").results]
    assert repeats == list(range(1, len(repeats) + 1))
    assert len(repeats) >= told[-1]


@pytest.mark.parametrize("cut", [1, 200, 5_000])
def test_the_line_that_was_being_written_is_not_read(tmp_path: Path, cut: int) -> None:
    file = RecordFile(tmp_path / "run.json", _HEAD)
    file.add(result(repeat=1))
    whole = file.journal.stat().st_size
    file.add(result(repeat=2))
    with file.journal.open("rb+") as journal:
        journal.truncate(min(whole + cut, file.journal.stat().st_size - 1))
    assert [each.repeat for each in codec.read(file.journal).results] == [1]


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"remarks": {}}', b'{"results": {}}', b"{"])
def test_a_line_that_is_no_result_is_told(tmp_path: Path, line: bytes) -> None:
    file = RecordFile(tmp_path / "run.json", _HEAD)
    file.add(result())
    file.journal.write_bytes(file.journal.read_bytes() + line + b"\n")
    with pytest.raises(RecordError, match=r"is damaged|is not whole") as refused:
        codec.read(file.journal)
    assert "\n" not in str(refused.value)


def test_a_full_disk_leaves_what_was_written_before(tiny_disk: Callable[[int], Path]) -> None:
    folder = tiny_disk(64)
    file = RecordFile(folder / "run.json", _HEAD)
    file.add(result())
    before = file.journal.read_bytes()
    with pytest.raises(RecordError) as refused:
        file.add(failed("mlp", CPU, "x" * 128 * 1024))
    message = str(refused.value)
    assert f"the record {file.journal} cannot be written: No space left on device" in message
    assert "--results-dir" in message
    assert "what was written before is whole" in message
    assert "\n" not in message
    assert file.journal.read_bytes() == before
    assert is_held(file.journal)
    with pytest.raises(RecordError, match=r"run\.json cannot be written: No space left"):
        file.close()
    assert not is_held(file.journal)
    assert file.journal.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["run.jsonl"]


def test_what_could_not_be_written_is_written_when_there_is_room(
    tiny_disk: Callable[[int], Path],
) -> None:
    folder = tiny_disk(64)
    (folder / "other").write_bytes(b"x" * 56 * 1024)
    file = RecordFile(folder / "run.json", _HEAD)
    with pytest.raises(RecordError):
        file.add(failed("mlp", CPU, "x" * 16 * 1024))
    assert not file.written
    (folder / "other").unlink()
    file.add(result())
    assert codec.read(file.path) == replace(file.record, ended=False)
    assert len(file.record.results) == 2


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file", encoding="utf-8")
    file = RecordFile(new_path(tmp_path / "results", _NOON), _HEAD)
    with pytest.raises(RecordError, match=r"cannot be written: (File exists|Not a directory)"):
        file.add(result())
    assert not file.written
    assert (tmp_path / "results").read_text(encoding="utf-8") == "a file"


def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    with unprivileged():
        path = new_path(closed, _NOON)
        with pytest.raises(RecordError, match="Permission denied"):
            RecordFile(path, _HEAD).add(result())
    assert path.parent == closed


def test_a_name_carries_the_time_the_host_and_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "büro box.example.org")
    assert new_path(tmp_path, _NOON).name == f"20261121T120005Z-b-ro-box-{os.getpid()}.json"


def test_a_new_record_never_takes_the_place_of_another_one(tmp_path: Path) -> None:
    names = []
    for ends in (True, False, True):
        file = RecordFile(tmp_path / "run.json", _HEAD)
        file.begin()
        file.add(result())
        if ends:
            file.close()
        names.append(file.path.name)
    assert names == ["run.json", "run-2.json", "run-3.json"]
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "run-2.jsonl", "run-3.json"}


def test_runs_that_begin_at_the_same_moment_leave_a_record_each(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from bench.record.store import RecordFile\n"
        "from tests.support.records import head, result\n"
        "print(flush=True); sys.stdin.readline()\n"
        "for repeat in range(40):\n"
        f"    file = RecordFile(pathlib.Path({str(tmp_path / 'run.json')!r}), head())\n"
        "    file.begin(); file.add(result(repeat=repeat + 1)); file.close()\n"
    )
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    runs = [
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(3)
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "\n"
    for run in runs:
        run.communicate("go\n", timeout=300)
        assert run.returncode == 0
    made = [codec.read(path).results[0].repeat for path in tmp_path.iterdir()]
    assert sorted(made) == sorted(3 * list(range(1, 41)))


def test_a_name_whose_run_ends_while_it_is_claimed_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, touch = tmp_path / "run.json", Path.touch

    def ended_just_before(self: Path, *args: bool, **how: bool) -> None:
        if self.stem == "run":
            theirs.write_text("theirs", encoding="utf-8")
        touch(self, *args, **how)

    monkeypatch.setattr(Path, "touch", ended_just_before)
    file = RecordFile(theirs, _HEAD)
    file.begin()
    assert file.path.name == "run-2.json"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-2.jsonl", "run.json"]


def test_records_sort_by_the_time_that_their_run_began(tmp_path: Path) -> None:
    later = _NOON + datetime.timedelta(days=40)
    assert new_path(tmp_path, _NOON).name < new_path(tmp_path, later).name
