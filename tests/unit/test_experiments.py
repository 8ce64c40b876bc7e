"""Experiments: what is trained, gone on with, and said; with workers that only pretend."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import html5lib
import numpy as np
import pytest
from msgspec.structs import replace

from bench.__main__ import main
from bench.errors import GrindstoneError, RecordError
from bench.experiment import trainings
from bench.experiment.trainings import rounds
from bench.observe.devices import Found
from bench.options import Settings
from bench.page.write import page
from bench.record import codec
from bench.record.head import Device, Experiment
from bench.record.model import Failed, Finished, Record
from bench.record.store import RecordFile
from bench.record.variant import Design, Variant
from bench.report import summary
from bench.report.experiment import arms, table
from bench.report.experiment.differences import difference
from bench.report.format import Screen
from bench.workloads import EVERY
from bench.workloads.experiments import EXPERIMENTS, batch_sweep
from tests.support import fake_worker
from tests.support.pages import experiment as made
from tests.support.records import CPU, GT1030, H100, epochs, failed, quality, record, result

pytestmark = pytest.mark.usefixtures("undrawn")
_AVERAGE = Variant(design=Design(pooling="average"))

# ---- the rows


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_arm_can_be_trained_and_differs_from_the_others(name: str) -> None:
    made = EXPERIMENTS[name]
    rows = [trainings.row_of(arm, CPU) for arm in made.arms]
    assert len({(row.workload.name, row.way) for row in rows}) == len(rows) >= 2
    changed = rows[0].changes.changed
    assert changed in ((), ("epochs",), ("optimizer", "learning_rate")), "nearly as published"
    assert bool(made.baseline) == (len(changed) != 1), "epochs say themselves what it is"
    assert made.epochs >= 3
    assert len({EVERY[arm.workload].metric for arm in made.arms}) == 1


def test_a_sweep_has_the_workloads_own_batch_as_its_baseline() -> None:
    made = batch_sweep("mlp", 200, (1024, 200, 16))
    assert [arm.batch for arm in made.arms] == [None, 16, 1024]


def test_every_arm_is_trained_from_a_seed_before_the_next_one_comes() -> None:
    made = rounds(EXPERIMENTS["grind-pooling"], CPU, 2**32 - 1, 2)
    titles = [[training.title for training in each] for each in made]
    assert titles == [
        ["post on cpu, seed 4294967295", "post on cpu, average pooling, seed 4294967295"],
        ["post on cpu, seed 0", "post on cpu, average pooling, seed 0"],
    ]


def test_what_is_there_is_not_trained_again_and_what_failed_is() -> None:
    every = rounds(EXPERIMENTS["grind-pooling"], CPU, 1, 2)
    there = record(
        [
            result("post", seed=1),
            result("post", variant=_AVERAGE, seed=1),
            result("post", seed=2),
            failed("post", CPU, "killed", variant=_AVERAGE, seed=2),
        ]
    )
    (last,) = trainings.not_trained(every, there)
    assert [each.title for each in last] == ["post on cpu, average pooling, seed 2"]
    assert trainings.not_trained(every, None) == every


# ---- what may be said


def seeds(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values, start=1))


def test_a_difference_within_the_spread_is_unclear_and_says_how_many_seeds_it_takes() -> None:
    # The published network's and another one's, as five seeds came out here (evidence.csv).
    a = seeds([-59.0, -42.4, -38.7, -88.6, -42.0])
    b = seeds([-49.0, -62.4, -28.7, -68.6, -12.0])
    told = difference(a, b, paired=False, notable=10.0)
    assert told.word == "UNCLEAR"
    assert told.gain == pytest.approx(10.0, abs=0.1)
    assert told.low is not None
    assert told.high is not None
    assert told.low < 0 < told.high
    assert told.seeds_needed is not None
    assert told.seeds_needed > 50


def test_pairing_shows_what_all_seeds_share() -> None:
    a = seeds([-59.0, -42.4, -38.7, -88.6, -42.0])
    b = {seed: value + 10 + 0.5 * (-1) ** seed for seed, value in a.items()}
    assert difference(a, b, paired=True, notable=10.0).word == "BETTER"
    assert difference(a, b, paired=False, notable=10.0).word == "UNCLEAR"
    assert difference(b, a, paired=True, notable=10.0).word == "WORSE"
    assert difference(a, dict(a), paired=True, notable=10.0).word == "SAME"


def test_two_seeds_say_nothing() -> None:
    told = difference(seeds([1.0, 2.0]), seeds([9.0, 9.1]), paired=True, notable=1.0)
    assert (told.word, told.low) == ("UNCLEAR", None)


def test_before_an_arm_has_all_seeds_only_those_of_both_are_put_beside_each_other() -> None:
    # A round that was interrupted: seed 1 trains well by chance, and the other arm lacks it.
    told = difference({1: -113.5, 2: -729.2}, {2: -729.9}, paired=True, notable=100.0)
    assert told.gain == pytest.approx(-0.7)
    assert told.seeds == 1


@pytest.mark.parametrize("paired", [True, False])
def test_a_claim_is_false_in_fewer_than_one_of_a_hundred_experiments(paired: bool) -> None:
    draw = np.random.default_rng(15)
    claims, many = 0, 600
    for _ in range(many):
        a = seeds(list(draw.normal(50, 20, 6)))
        others = [seeds(list(draw.normal(50, 20, 6))) for _ in range(3)]
        words = {difference(a, b, paired=paired, notable=10, arms=3).word for b in others}
        claims += bool(words & {"BETTER", "WORSE"})
    assert claims / many < 0.01 + 3 * math.sqrt(0.01 / many)


# ---- what is told


def test_better_is_said_with_its_interval_and_only_where_it_is_so() -> None:
    told = arms.experiment(made({None: [50, 55, 60, 52], _AVERAGE: [70, 76, 79, 73]}))
    assert told is not None
    question, answer = table.answers(told)
    assert question == "grind-pooling: Does max pooling learn better than average pooling?"
    assert answer == (
        "average pooling learns worse than max pooling by 20.2 s² (99 % interval 17.5 s² to "
        "23.0 s² worse; 4 seeds in pairs)"
    )
    assert "Seeds of max pooling differ by 4.3 s²" in next(table.remarks(told))
    first, second = table.cells(told)
    assert first[0] == "max pooling"
    assert first[-1] == "baseline"
    assert second[2:5] == ["74.5 s²", "70.0 s² to 79.0 s²", "64.5 s²"]


def test_on_a_narrow_terminal_every_arm_keeps_its_name() -> None:
    mse = [127250.0, 15394.0, 49918.0]
    told = summary.text(made({None: mse, _AVERAGE: mse}), None, Screen(80), verbose=False)
    rows = [line for line in told.splitlines() if "15,394 s² to 127,250 s²" in line]
    assert [row.split()[:2] for row in rows] == [["max", "pooling"], ["average", "pooling"]]
    assert "…" not in "".join(rows)


def test_where_chance_may_do_it_no_difference_is_told() -> None:
    unclear = arms.experiment(made({None: [50, 80, 60], _AVERAGE: [70, 50, 55]}))
    assert unclear is not None
    _, answer = table.answers(unclear)
    assert answer.startswith("average pooling beside max pooling: no difference can be told: ")
    assert "to see 10.0 s² takes about" in answer
    wild = arms.experiment(made({None: [500, 8000, 600], _AVERAGE: [7000, 50, 5500]}))
    assert wild is not None
    _, answer = table.answers(wild)
    assert answer.endswith("more than 1,000 seeds: train on more images, or longer")
    few = arms.experiment(made({None: [50, 80], _AVERAGE: [70, 50]}))
    assert few is not None
    assert "2 seeds cannot tell a difference" in list(table.answers(few))[1]
    alike = arms.experiment(made({None: [50, 80, 60], _AVERAGE: [50.1, 80.2, 60.1]}))
    assert alike is not None
    assert "alike, a difference of 10.0 s² is ruled out" in list(table.answers(alike))[1]


def test_an_arm_that_diverges_is_an_answer_and_no_failure() -> None:
    nothing = made({None: [50, 55, 60], _AVERAGE: [70, 76, 79]})
    diverged = replace(quality("post"), value=None, ok=False, reason="the mse is nan")
    results = tuple(
        replace(each, quality=diverged) if each.variant and isinstance(each, Finished) else each
        for each in nothing.results
    )
    told = summary.text(replace(nothing, results=results), None, Screen(200), verbose=False)
    assert "average pooling does not train: each of 3 trainings ended without a number" in told
    assert "max pooling came to 55.0 s²" in told
    assert "PASSED 6 of 6, 3 DIVERGED" in told
    assert "BELOW-FLOOR" not in told


def test_what_diverges_does_not_draw_the_others_flat() -> None:
    falling = replace(
        epochs([1.0] * 3), quality=(90.0, 70.0, 55.0), training=(99.0, 90.0, 60.0, 50.0)
    )
    lost = replace(falling, quality=(9e43, None, None), loss=(9e43, None, None))
    nothing = replace(quality("post"), value=None, ok=False, reason="the mse is nan")
    results = tuple(
        replace(each, epochs=lost, quality=nothing)
        if each.variant
        else replace(each, epochs=falling)
        for each in made({None: [50, 55, 60], _AVERAGE: [70, 76, 79]}).results
        if isinstance(each, Finished)
    )
    drawn = page([(replace(made({None: [50]}), results=results), None)])
    assert "at the end max pooling 55.0 s²" in drawn
    assert "e+43" not in drawn
    assert "000,000" not in drawn


def test_the_page_and_the_summary_show_the_arms_in_the_place_of_the_rows() -> None:
    drawn = page([(made({None: [50, 55, 60], _AVERAGE: [70, 76, 79]}), None)])
    html5lib.HTMLParser(strict=True).parse(drawn)
    assert "grind-pooling: MSE on the training images" in drawn
    assert "Does max pooling learn better" in drawn


def test_trainings_of_one_arm_that_are_not_alike_are_said_to_be_so() -> None:
    mixed = made({None: [50, 55, 60], _AVERAGE: [70, 76, 79]})
    first, *rest = mixed.results
    assert isinstance(first, Finished)
    other = replace(first, worker=replace(first.worker, tensorflow="2.20.0"))
    told = arms.experiment(replace(mixed, results=(other, *rest)))
    assert told is not None
    assert "TensorFlow 2.20.0 → 2.21.0" in "".join(told.unlike)


# ---- going on


_BEST = 0.99  # after the second epoch, and only then
_WORKER = """
begin()
gain = 0.01 if job["design"]["rates"] else 0.0
value = 0.9 + gain + 0.001 * (job["seed"] % 3)
for number in range(1, job["epochs"] + 1):
    epoch(number, 10.0 * number, 0.5, quality=0.99 if number == 2 else value)
assert job["judge_training"]
say("phase", name="evaluation")
if job["seed"] == 13 and job["design"]["learning_rate"]:
    sys.exit("unlucky")
say("quality", value=value, untrained=0.1, memory_peak=None, training=0.95)
wait_for_ever()
"""


def experiment(folder: Path, *options: str) -> int:
    worker = fake_worker.write(folder, _WORKER)
    where = (f"--results-dir={folder}", f"--worker-python={worker}", f"--cache-dir={folder}")
    return main(
        ["experiment", "mnist-one-cycle", "--device=cpu", "--plan=/none.json", *where, *options]
    )


def records_in(folder: Path) -> list[Record]:
    return [codec.read(path) for path in sorted(folder.glob("*.json"))]


def test_an_experiment_is_trained_told_and_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert experiment(tmp_path, "--seeds=2") == 0
    assert "2 seeds cannot tell a difference" in " ".join(capsys.readouterr().out.split())
    (first,) = records_in(tmp_path)
    assert [each.seed for each in first.results] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert first.settings.experiment == Experiment(name="mnist-one-cycle")

    assert experiment(tmp_path, "--seeds=4") == 0
    told = capsys.readouterr()
    assert "8 of 16 trainings are in" in told.err
    assert "BETTER" in told.out
    assert "one-cycle learning rates learns better than learning rate 0.001 by" in told.out
    (second,) = records_in(tmp_path)
    assert second.results[:8] == first.results
    assert len(second.results) == 16
    assert not list(tmp_path.glob("*.jsonl"))
    assert len(list(tmp_path.glob("*.html"))) == 1

    assert experiment(tmp_path, "--seeds=4") == 0, "all is there"
    assert records_in(tmp_path) == [second]
    assert experiment(tmp_path, "--seeds=1", "--anew", "--no-page") == 0
    assert len(records_in(tmp_path)) == 2


def test_the_quality_that_counts_is_the_last_epochs_and_never_the_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert experiment(tmp_path, "--seeds=1") == 0
    for each in records_in(tmp_path)[0].results:
        assert isinstance(each, Finished)
        *before, last = each.epochs.quality or ()
        assert _BEST in before
        assert last == each.quality.value != _BEST
    assert f"{100 * _BEST:.2f}" not in capsys.readouterr().out


def test_what_failed_fails_the_command_and_is_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert experiment(tmp_path, "--seeds=1", "--seed=13") == 1
    (first,) = records_in(tmp_path)
    assert [type(each) for each in first.results] == [Finished, Failed, Finished, Failed]
    assert experiment(tmp_path, "--seeds=1", "--seed=13") == 1
    assert "2 of 4 trainings are in" in capsys.readouterr().err


def test_without_time_no_second_round_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert experiment(tmp_path, "--seeds=5", "--budget=0.00001") == 0
    assert "the time was up; run it again" in capsys.readouterr().err
    (first,) = records_in(tmp_path)
    assert len(first.results) == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["experiment"], "name an experiment: grind-pooling"),
        (["experiment", "tea"], "no experiment 'tea'; there is grind-pooling"),
        (["experiment", "grind-pooling", "--seeds=0"], "--seeds 0 is out of range"),
        (["experiment", "grind-pooling", "--device=cpu", "--budget=-1"], "--budget -1 is no time"),
        (["batch-sweep", "tea"], "no workload 'tea'; there is mlp"),
        (["batch-sweep", "mlp", "--batches=1,x"], "--batches x is no number"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, f"--results-dir={tmp_path}", "--plan=/none.json"]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_at_a_record_keeps_others_from_it(tmp_path: Path) -> None:
    one = RecordFile(tmp_path / "run.json", record())
    one.add(result("mlp"))
    with pytest.raises(RecordError, match="another run is at"):
        RecordFile.reopened(one.journal)
    one.close()
    again = RecordFile.reopened(one.path)
    again.add(result("mlp", repeat=2))
    again.close()
    assert [each.repeat for each in codec.read(one.path).results] == [1, 2]


@pytest.mark.parametrize(
    ("asked", "devices", "place"),
    [
        (None, (CPU, H100, GT1030), H100),
        (None, (CPU,), CPU),
        (("cpu",), (CPU,), CPU),
        (("gpu:1",), (GT1030,), GT1030),
    ],
)
def test_it_trains_on_one_device_the_first_gpu_where_there_is_one(
    asked: tuple[str, ...] | None, devices: tuple[Device, ...], place: Device
) -> None:
    settings: Any = SimpleNamespace(devices=devices, devices_asked_for=asked)
    assert Settings.one_device(settings, Found(devices)) == place


def test_several_devices_are_refused() -> None:
    settings: Any = SimpleNamespace(devices=(CPU, H100), devices_asked_for=("cpu,gpu:0",))
    with pytest.raises(GrindstoneError, match="this trains on one device"):
        Settings.one_device(settings, Found((CPU, H100)))


def test_an_arm_without_what_it_changes_is_an_error() -> None:
    arm = EXPERIMENTS["grind-pooling"].arms[1]
    with pytest.raises(GrindstoneError, match="mlp has no pooling"):
        trainings.row_of(type(arm)("mlp", arm.design), CPU)
