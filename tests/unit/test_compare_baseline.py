"""`python -m bench compare last` and `best`: which record is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.record.store import RecordFile
from tests.support import records
from tests.support.bench_verbs import NOW, Files, compare_command, flagged, refusal
from tests.support.records import CPU, H100, failed, repeats, slower


def test_last_is_the_newest_comparable_record_before_the_one_that_is_judged(write: Files) -> None:
    write("1", repeats("mlp", slower(-0.2)), 1)
    last = write("2", repeats("mlp"), 2)
    write("3", repeats("mlp", slower(0.4)), 3, settings=records.settings(profile="full"))
    write("4", repeats("mlp", [0.9]), 4)  # one repeat is no baseline where there are several
    now = write("5", repeats("mlp"), 5)
    write("6", repeats("mlp", slower(0.4)), 6)
    (row,) = compare_command("last", now, "--results-dir", write.folder, "--json").rows
    assert (row["answer"], row["a"]["source"]) == ("SAME", str(last))


def test_best_is_the_fastest_clean_record(write: Files) -> None:
    write("1", flagged(repeats("mlp", slower(-0.5))), 1)
    best = write("2", repeats("mlp", slower(-0.1)), 2)
    write("3", repeats("mlp"), 3)
    now = write("4", repeats("mlp"), 4)
    done = compare_command("best", now, "--results-dir", write.folder, "--json")
    (row,) = done.rows
    assert (done.returncode, row["answer"], row["a"]["source"]) == (1, "SLOWER", str(best))


def test_where_no_record_is_comparable_the_nearest_says_why(write: Files, tmp_path: Path) -> None:
    near = write("1", repeats("mlp", device=H100), machine=records.machine(driver="570.10"))
    now = Files(tmp_path)("now", repeats("mlp", device=H100))
    done = compare_command("last", now, "--results-dir", write.folder)
    assert done.returncode == 2
    (line,) = done.lines("not comparable")
    assert "driver 570.10 → 580.95.05" in line
    assert line.endswith(f"(nearest: {near})")


def test_where_no_record_is_clean_its_flags_are_told(write: Files, tmp_path: Path) -> None:
    path = write("1", [failed("mlp", CPU, "killed")])
    now = Files(tmp_path)("now", repeats("mlp"))
    told = f"no record has a clean row of it ({path}: 1 failed)"
    assert told in compare_command("best", now, "--results-dir", write.folder).stdout


@pytest.mark.parametrize("which", ["last", "best"])
def test_the_record_that_is_judged_is_not_its_own_baseline(write: Files, which: str) -> None:
    now = write("now", repeats("mlp"))
    for folder in (write.folder, write.folder / "nowhere"):
        line = refusal(which, now, "--results-dir", folder)
        assert f"there is no record in {folder} to compare with; run `pytest bench/` first" in line


def test_a_damaged_file_beside_good_ones_is_skipped_in_a_line(write: Files) -> None:
    good = write("1", repeats("mlp"), -1)
    (write.folder / "2.json").write_text('{"schema": 2, "resul', encoding="utf-8")
    done = compare_command("last", write("now", repeats("mlp")), "--results-dir", write.folder)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bench: skipped: {write.folder / '2.json'} is damaged")
    heading = f"A: the last comparable record of each row in {write.folder}\n   {good} (mlp on cpu)"
    assert heading in done.stdout


def test_a_run_that_was_killed_is_compared_with_by_its_journal(write: Files) -> None:
    killed = RecordFile(write.folder / "killed.json", records.head(started=NOW))
    for each in repeats("mlp"):
        killed.add(each)
    now = write("now", repeats("mlp"), 5)
    (row,) = compare_command("last", now, "--results-dir", write.folder, "--json").rows
    assert (row["answer"], row["a"]["source"]) == ("SAME", str(killed.journal))
