"""Which file a RUN is: a path, a prefix, `last`, `-2`, `best`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.errors import RecordError
from bench.record import codec
from bench.record.head import Cpu
from bench.record.runs import resolve, runs
from bench.record.verdict import Verdict
from tests.support import records
from tests.support.bench_verbs import Files
from tests.support.records import CPU, H100, repeats, result

OLD, MIDDLE, NEW = "20261121T040500Z", "20261121T040600Z-box-7", "20261122T040500Z"


@pytest.fixture
def three(write: Files) -> Path:
    for hour, name in enumerate((OLD, MIDDLE, NEW)):
        write(name, [result()], hour=hour)
    return write.folder


def _one(word: str, folder: Path) -> str:
    (path,) = resolve([word], folder)
    return path.stem


def _refused(word: str, folder: Path) -> str:
    with pytest.raises(RecordError) as refused:
        resolve([word], folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("last", NEW),
        ("-1", NEW),
        ("-2", MIDDLE),
        ("-3", OLD),
        ("20261122", NEW),
        ("20261121T0405", OLD),
        (f"{MIDDLE}.json", MIDDLE),
        (MIDDLE, MIDDLE),
    ],
)
def test_a_run_is_named_by_its_place_or_by_how_its_name_begins(
    three: Path, word: str, name: str
) -> None:
    assert _one(word, three) == name


def test_a_path_is_that_file_whatever_is_in_the_folder(three: Path, tmp_path: Path) -> None:
    path = str(three / f"{OLD}.json")
    assert resolve([path, "last"], three) == [Path(path), three / f"{NEW}.json"]
    assert resolve([path], tmp_path / "none") == [Path(path)]


def test_the_newest_is_that_which_began_last_whatever_it_is_called(
    three: Path, write: Files
) -> None:
    write("a-friend-s", [result()], hour=9)
    assert [run.name for run in runs(three)] == ["a-friend-s", NEW, MIDDLE, OLD]
    assert _one("last", three) == "a-friend-s"


def test_a_name_that_another_one_goes_on_from_is_its_own(three: Path, write: Files) -> None:
    write(f"{OLD}-2", [result()])
    assert _one(OLD, three) == OLD
    assert "begins 2 runs" in _refused(OLD[:-1], three)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("2026", "begins 3 runs: .*write more of its name"),
        ("2027", "no run '2027': .* `python -m bench list --results-dir .*` shows them"),
        ("", "no run ''"),
        ("-4", "there are 3 runs in"),
        ("-0", "no run '-0'"),
    ],
)
def test_none_and_several_are_refused_in_a_line(three: Path, word: str, told: str) -> None:
    with pytest.raises(RecordError, match=told):
        resolve([word], three)


def test_an_empty_folder_and_none_say_what_to_do(tmp_path: Path) -> None:
    assert "run `pytest bench/` first" in _refused("last", tmp_path)
    assert "run `pytest bench/` first" in _refused("-2", tmp_path / "none")
    (tmp_path / "file").touch()
    assert "cannot be read: Not a directory" in _refused("last", tmp_path / "file")
    assert "is a folder" in _refused(str(tmp_path), tmp_path)


def test_a_damaged_newest_run_is_not_passed_over_by_last(three: Path) -> None:
    whole = (three / f"{NEW}.json").read_bytes()
    (three / "20261123T000000Z.json").write_bytes(whole[:300])
    (path,) = resolve(["last"], three)
    with pytest.raises(RecordError, match="is damaged"):
        codec.read(path)


def test_what_is_no_record_is_no_run_and_a_head_alone_is_one(three: Path) -> None:
    (three / "z.json").write_text('{"machine": 1}')
    (three / "20261124T000000Z.jsonl").touch()
    assert [run.name for run in runs(three)] == [NEW, MIDDLE, OLD]
    started = records.head().started.replace(year=2027)
    begun = three / "20270101T000001Z.jsonl"
    begun.write_bytes(codec.journal_head(records.head(started=started)))
    assert _one("last", three) == begun.stem


def test_a_pipe_and_a_folder_are_no_run_and_a_link_to_nothing_is_told_of(three: Path) -> None:
    os.mkfifo(three / "20261125T000000Z.json")
    (three / "20261125T000001Z.json").mkdir()
    assert _one("last", three) == NEW
    (three / "20261125T000002Z.json").symlink_to("gone.json")
    (path,) = resolve(["last"], three)
    with pytest.raises(RecordError, match="cannot be read: No such file"):
        codec.read(path)


def test_a_file_too_large_for_a_record_is_one_that_cannot_be_read(three: Path) -> None:
    huge = three / "20261125T000000Z.json"
    huge.touch()
    os.truncate(huge, 1 << 40)
    assert _one("last", three) == huge.stem
    with pytest.raises(RecordError, match="cannot be read: it has more than 256 MiB"):
        codec.read(huge)


def test_a_run_that_goes_on_is_one_and_counts_once(three: Path) -> None:
    head = codec.journal_head(records.head())
    journal = three / "20261124T000000Z.jsonl"
    journal.write_bytes(head + codec.journal_line(result()))
    assert _one("20261124", three) == journal.stem
    shutil.copy(three / f"{NEW}.json", three / "20261124T000000Z.json")
    assert len(runs(three)) == 4
    assert resolve(["20261124"], three) == [three / "20261124T000000Z.json"]


# ---- best


def test_best_is_the_fastest_of_those_comparable_with_the_newest(write: Files) -> None:
    write("slow", repeats("mlp", [1.1] * 3))
    write("fast", repeats("mlp", [0.9] * 3), hour=1)
    other = records.machine(cpu=Cpu("Xeon", 2, 2, (0, 1), None))
    write("elsewhere", repeats("mlp", [0.1] * 3), hour=2, machine=other)
    noisy = Verdict("CONTENDED", "others used 60 % of the CPU", "end them")
    flagged = [replace(each, verdict=noisy) for each in repeats("mlp", [0.2] * 3)]
    write("contended", flagged, hour=3)
    write("now", repeats("mlp", [1.0] * 3), hour=4)
    assert _one("best", write.folder) == "fast"
    assert _one("best:mlp", write.folder) == "fast"
    assert _one("best:mlp-cpu", write.folder) == "fast"


def test_best_takes_a_row_where_runs_are_the_fastest_in_one_each(write: Files) -> None:
    write("a", [*repeats("mlp", [1.0]), *repeats("post", [2.0]), *repeats("mlp", [0.5], H100)])
    write(
        "b", [*repeats("mlp", [2.0]), *repeats("post", [1.0]), *repeats("mlp", [0.4], H100)], hour=1
    )
    told = _refused("best", write.folder)
    assert "best:mlp-cpu is a, best:post-cpu is b, best:mlp-gpu:0 is b; name the row" in told
    assert _one("best:mlp-cpu", write.folder) == "a"
    assert _one("best:post", write.folder) == "b"
    assert _one("best:mlp-gpu:0", write.folder) == "b"
    assert "is several runs" in _refused("best:mlp", write.folder)
    assert "there is mlp-cpu, post-cpu, mlp-gpu:0" in _refused("best:x", write.folder)


def test_a_row_is_one_mode_where_that_is_named_in_full(write: Files) -> None:
    write("a", [result("mlp", CPU, seconds=(2, 1)), result("mlp", seconds=(2, 2), mode="tuned")])
    write(
        "b",
        [result("mlp", CPU, seconds=(2, 2)), result("mlp", seconds=(2, 1), mode="tuned")],
        hour=1,
    )
    assert _one("best:mlp-cpu", write.folder) == "a"
    assert _one("best:mlp-cpu-tuned", write.folder) == "b"


def test_without_a_row_that_counts_there_is_no_best(write: Files, tmp_path: Path) -> None:
    write("a", [records.failed("mlp", CPU, "killed")])
    told = f"no training of mlp-cpu in {write.folder} counts, as none has the verdict OK"
    for word in ("best", "best:mlp", "best:mlp-cpu"):
        assert told in _refused(word, write.folder)
    told = f"no run in {write.folder} has such a row; there is mlp-cpu"
    assert told in _refused("best:ml", write.folder)
    assert "no run in" in _refused("best", tmp_path / "none")
