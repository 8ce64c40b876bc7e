"""`python -m bench list` and `show`: the runs of a folder."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench import __version__
from bench.record import codec
from bench.record.verdict import Verdict
from bench.report import summary
from bench.report.format import Screen
from tests.conftest import ROOT
from tests.support import records
from tests.support.bench_verbs import Files, command
from tests.support.records import CPU, H100, failed, result

BENCH = (sys.executable, "-m", "bench")
NOISY = Verdict("NOISY", "the epochs differ by 12 %", "train again")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write = Files(tmp_path / "results")
    write("20261121T120000Z", [result("mlp"), result("convnet", verdict=NOISY)])
    write("20261121T130000Z-box-7", [result("mlp"), result("mlp", H100)], hour=1)
    write("20261121T140000Z", [result("post"), failed("convnet", CPU, "killed")], hour=2)
    return write.folder


def _names(folder: Path, *arguments: str) -> list[str]:
    done = command("list", "--results-dir", folder, *arguments)
    assert done.returncode == 0
    return [line.split()[0] for line in done.stdout.splitlines()]


def test_a_line_a_run_the_newest_first(folder: Path) -> None:
    done = command("list", "--results-dir", folder)
    assert (done.returncode, done.stderr) == (0, "")
    newest, middle, oldest = done.stdout.splitlines()
    assert re.split(r"\s{2,}", newest) == [
        *("20261121T140000Z", "2026-11-21 14:00Z", "FAILED 1 of 2", "quick", "bench-1"),
        *("cpu (AMD EPYC 9454P)", "post, convnet"),
    ]
    assert "PASSED 2 " in middle
    assert "cpu (AMD EPYC 9454P), gpu:0 (H100 80GB HBM3)" in middle
    assert "PASSED 2, 1 NOISY" in oldest


@pytest.mark.parametrize(
    ("arguments", "hours"),
    [
        (["--workload", "convnet"], [14, 12]),
        (["--workload", "convn"], []),
        (["--device", "gpu"], [13]),
        (["--device", "gpu:0"], [13]),
        (["--device", "h100"], [13]),
        (["--device", "cpu"], [14, 13, 12]),
        (["--verdict", "noisy"], [12]),
        (["--verdict", "FAILED"], [14]),
        (["--verdict", "NOISY", "--workload", "mlp"], []),
        (["--since", "2026-11-21T13:00"], [14, 13]),
        (["--since", "2026-11-21T14:30+02:00"], [14, 13]),
        (["--since", "2026-11-22"], []),
    ],
)
def test_one_training_has_to_be_all_that_is_asked_for(
    folder: Path, arguments: list[str], hours: list[int]
) -> None:
    assert [int(name[9:11]) for name in _names(folder, *arguments)] == hours


def test_since_counts_back_from_now(tmp_path: Path) -> None:
    write = Files(tmp_path)
    now = datetime.datetime.now(datetime.timezone.utc)
    for days in (0, 2, 20):
        started = now - datetime.timedelta(days=days, minutes=5)
        records.write(tmp_path, f"{days}.json", records.record([result()], started=started))
    assert write.folder == tmp_path
    assert _names(tmp_path, "--since", "1h") == ["0"]
    assert _names(tmp_path, "--since", "3d") == ["0", "2"]
    assert _names(tmp_path, "--since", "3w") == ["0", "2", "20"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since", "yesterday"], "--since yesterday is no time; give"),
        (["--since", "999999w"], "is no time"),
        (["--verdict", "GOOD"], "no such verdict; there are OK, NOISY"),
    ],
)
def test_what_is_asked_for_wrongly_is_a_line(folder: Path, arguments: list[str], told: str) -> None:
    done = command("list", "--results-dir", folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_damaged_or_goes_on_has_its_line(folder: Path) -> None:
    whole = (folder / "20261121T140000Z.json").read_bytes()
    (folder / "20261121T150000Z.json").write_bytes(whole[:200])
    journal = folder / "20261121T160000Z.jsonl"
    started = datetime.datetime(2026, 11, 21, 16, tzinfo=datetime.timezone.utc)
    head = codec.journal_head(records.head(started=started))
    journal.write_bytes(head + codec.journal_line(result()))
    going_on, damaged, *others = command("list", "--results-dir", folder).stdout.splitlines()
    assert "PASSED 1, cut off" in going_on
    assert re.split(r"\s{2,}", damaged) == ["20261121T150000Z", "2026-11-21 15:00Z", "damaged"]
    assert len(others) == 3
    done = command("list", "--results-dir", folder, "--workload", "post")
    assert "skipped: " in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_run_that_somebody_has_interrupted_has_not_failed(tmp_path: Path) -> None:
    write = Files(tmp_path)
    stopped = failed("convnet", CPU, "convnet on cpu: interrupted")
    write("20261121T120000Z", [result("mlp"), stopped])
    write("20261121T130000Z", [failed("mlp", CPU, "killed"), stopped], hour=1)
    later, first = command("list", "--results-dir", tmp_path).stdout.splitlines()
    assert "  PASSED 1, interrupted  " in first
    assert "  FAILED 1 of 1, interrupted  " in later
    write("20261121T110000Z", [stopped], hour=-1)
    assert "  INTERRUPTED  " in command("list", "--results-dir", tmp_path).stdout.splitlines()[2]
    (tmp_path / "20261121T110000Z.json").unlink()
    of_word = ("list", "--results-dir", tmp_path, "--verdict")
    assert command(*of_word, "FAILED").stdout.splitlines() == [later]
    assert command(*of_word, "interrupted").stdout.splitlines() == [later, first]


def test_nothing_to_list_is_said_and_no_error(tmp_path: Path, folder: Path) -> None:
    done = command("list", "--results-dir", tmp_path / "none")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"bench: nothing to list in {tmp_path / 'none'}: it is not there\n"
    listed = ("list", "--results-dir", folder, "--workload", "x")
    assert "none of its 3 runs" in command(*listed).stderr
    for older in sorted(folder.iterdir())[1:]:
        older.unlink()
    assert "none of its 1 run matches" in command(*listed).stderr


def test_a_name_from_a_record_moves_no_cursor(tmp_path: Path) -> None:
    evil = replace(result(), workload="\x1b[2J\nmlp\u202e")
    records.write(tmp_path, "x.json", records.record([evil]))
    done = command("list", "--results-dir", tmp_path)
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.endswith("\\x1b[2J\\nmlp\\u202e\n")


@pytest.mark.parametrize("word", ["last", "-1", "20261121T14", "-3"])
def test_show_takes_a_run(folder: Path, word: str) -> None:
    done = command("show", word, "--results-dir", folder)
    assert done.returncode == 0
    assert f"Record: {folder}/20261121T1{'2' if word == '-3' else '4'}0000Z.json" in done.stdout


def test_show_refuses_what_is_no_run_in_a_line(folder: Path) -> None:
    done = command("show", "2026", "--results-dir", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "begins 3 runs" in done.stderr


def test_the_version_is_told() -> None:
    done = subprocess.run(
        [*BENCH, "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"Grindstone {__version__} (Python 3.")


def test_a_reader_who_has_enough_is_no_error(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [*BENCH, "list", "--results-dir", folder],
            cwd=ROOT,
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_no_color_takes_the_colours_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path, *_) = folder.glob("20261121T14*")
    record = codec.read(path)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    colour = re.compile(r"\x1b\[[\d;]*3\dm")
    assert colour.search(summary.text(record, path, Screen(colours=True), verbose=False))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(summary.text(record, path, Screen(colours=True), verbose=False))
