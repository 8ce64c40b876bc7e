"""`python -m bench merge`: the repeats of several runs of one machine in one record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.record import codec
from bench.record.head import WITHHELD, Due
from bench.report.rows import by_row, finished
from tests.support import records
from tests.support.bench_verbs import Files, command
from tests.support.records import CPU, H100, failed, repeats, result, slower, time_to_target


def _merged(write: Files, *runs: str | Path) -> Any:
    out = write.folder.parent / "merged.json"
    done = command("merge", *runs, "--out", out, "--results-dir", write.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return codec.read(out)


def test_repeats_are_counted_on_in_the_order_of_the_runs(write: Files) -> None:
    one = records.settings(repeats=3, interim_checks=(3,), devices=("cpu",), against="last")
    two = records.settings(repeats=2, interim_checks=(2,), devices=("cpu", "gpu:0"))
    b = write("b", [*repeats("mlp", [4.0, 5.0]), result("mlp", H100)], hour=1, settings=two)
    due = (Due(title="mlp on cpu", workload="mlp"),)
    trained = [*repeats("mlp", [1.0, 2.0, 3.0])]
    a = write("a", [*trained, failed("post", CPU, "x")], settings=one, due=due, words=("-x",))
    made = _merged(write, b, a)
    mlp, post, gpu = by_row(made.results)
    assert [(each.repeat, each.epochs.median) for each in finished(mlp)] == [
        *((1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0), (5, 5.0))
    ]
    assert (len(post), gpu[0].repeat) == (1, 4)
    assert made.started == codec.read(a).started
    assert (made.due, made.words) == ((), ())
    settings = made.settings
    assert (settings.repeats, settings.interim_checks) == (5, (3, 5))
    assert (settings.devices, settings.against) == (("cpu", "gpu:0"), None)


def test_more_repeats_make_an_answer_clear(write: Files) -> None:
    single = records.settings(repeats=1, interim_checks=(1,))
    for number, median in enumerate([1 + 0.001 * number for number in range(12)]):
        write(f"a{number:02}", repeats("mlp", [median]), hour=number, settings=single)
    base = _merged(write, *(f"a{number:02}" for number in range(12)))
    assert len(base.settings.interim_checks) == 12
    b = write("b", repeats("mlp", slower(0.2)), hour=20)
    done = command("compare", write.folder.parent / "merged.json", b)
    assert done.stdout.startswith("SLOWER: 1 row")


def test_pairs_stay_pairs_and_trainings_to_a_target_come_along(tmp_path: Path) -> None:
    settings = records.settings(second_worker="/opt/b/bin/python")
    for name, hour in (("a", 0), ("b", 1)):
        both = [*repeats("mlp", [1.0 + hour], side="A"), *repeats("mlp", [2.0 + hour], side="B")]
        started = records.head().started.replace(hour=hour)
        made = records.record(
            both, [time_to_target(seconds=1.0 + hour)], settings=settings, started=started
        )
        records.write(tmp_path / "results", f"{name}.json", made)
    merged = _merged(Files(tmp_path / "results"), "a", "b")
    assert [(each.side, each.repeat) for each in merged.results] == [
        *(("A", 1), ("B", 1), ("A", 2), ("B", 2))
    ]
    assert [each.repeat for each in merged.time_to_target] == [1, 2]
    assert command("compare", tmp_path / "merged.json").stdout.startswith("UNCLEAR: 1 row")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"machine": records.machine(driver="595.12")}, "machine.driver 580.95.05 → 595.12"),
        ({"machine": records.machine(host="box-2")}, "machine.host bench-1 → box-2"),
        ({"settings": records.settings(profile="full")}, "settings.profile quick → full"),
        (
            {"settings": records.settings(rerun_options=("--epochs=5", "--learning-curve"))},
            "settings.rerun_options none → --epochs=5 --learning-curve;",
        ),
        ({"grindstone": "0.2.0"}, "grindstone 0.1.0 → 0.2.0"),
        ({"machine": records.machine(host=WITHHELD)}, "b.json is a shared record"),
        ({}, "hold the same training; name each run once"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    write: Files, tmp_path: Path, head: dict[str, Any], told: str
) -> None:
    write("a", repeats("mlp", [1.0]))
    write("b", repeats("mlp", [1.0]), hour=1, **head)
    done = command("merge", "a", "b", "--out", tmp_path / "x", "--results-dir", write.folder)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert told in line
    assert not (tmp_path / "x").exists()


def test_one_run_is_nothing_to_merge(write: Files, tmp_path: Path) -> None:
    a = write("a", repeats("mlp", [1.0]))
    assert "takes two runs or more" in command("merge", a, "--out", tmp_path / "x").stderr
