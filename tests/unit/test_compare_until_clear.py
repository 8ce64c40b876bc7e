"""Which repeats are trained until it is clear, and when a row is given up."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bench.compare.compare import Compared, Evidence, within_reach
from bench.compare.match import baseline
from bench.compare.until_clear import ComparisonRequest, compared, train_until_clear
from bench.record.comparable import Name, Rows
from bench.record.model import Failed, Result
from bench.record.repeats import INTERIM_CHECKS, Repeat
from bench.record.variant import STOCK
from bench.runner.row import Row
from bench.workloads import EVERY
from tests.support import records
from tests.support.records import CPU, failed, repeats, result

MOST = 96
MLP, CONVNET = (Row(EVERY[name], CPU) for name in ("mlp", "convnet"))
QUIET = (1.0, 1.004, 0.997, 1.001, 0.999, 1.003)
NOISY = tuple(1 + share for share in (0.04, -0.05, 0.01, 0.06, -0.02, -0.04, 0.0, 0.05))
SIDES = ComparisonRequest("side A", "side B")

Median = Callable[[Row, Repeat], float]


def _settings(checks: Sequence[int] = INTERIM_CHECKS) -> Any:
    return SimpleNamespace(interim_checks=tuple(checks), repeats=checks[-1], order_seed=7)


def _recorded(checks: Sequence[int] = INTERIM_CHECKS) -> Rows:
    settings = records.settings(repeats=checks[-1], interim_checks=tuple(checks))
    return Rows(Path("now.json"), records.head(settings=settings))


class Trainer:
    """Trains nothing: a repeat's median is what a test says."""

    def __init__(self, median: Median) -> None:
        self.median = median
        self.trained: list[tuple[str, str | None, int]] = []

    def __call__(self, row: Row, repeat: Repeat) -> tuple[Result, ...]:
        self.trained.append((row.workload.name, repeat.side, repeat.number))
        median = self.median(row, repeat)
        if median < 0:
            where = {"repeat": repeat.number, "side": repeat.side}
            return (failed(row.workload.name, CPU, "killed", **where),)
        times = (2 * median, median, median)
        name = row.workload.name
        return (result(name, CPU, seconds=times, repeat=repeat.number, side=repeat.side),)

    def count(self, workload: str) -> int:
        """The highest number that was trained of a row."""
        return max(number for name, _, number in self.trained if name == workload)


def _cycle(figures: Sequence[float], by: float = 0.0) -> Median:
    """The same figures for every row; side B takes longer by a share."""

    def median(_row: Row, repeat: Repeat) -> float:
        longer = 1 + by if repeat.side in (None, "B") else 1.0
        return figures[repeat.number * (3 if repeat.side == "B" else 1) % len(figures)] * longer

    return median


def test_what_is_clear_at_the_first_check_is_trained_no_further() -> None:
    trainer, recorded = Trainer(_cycle(QUIET, by=0.05)), _recorded()
    train_until_clear([MLP, CONVNET], trainer, SIDES, _settings(), recorded)
    assert Counter(trainer.trained) == Counter(
        itertools.product(("mlp", "convnet"), "AB", range(1, 13))
    )
    assert {row.word for row in compared(SIDES, recorded).rows} == {"SLOWER"}


def test_pairs_are_trained_in_turn_over_all_rows() -> None:
    trainer = Trainer(_cycle(QUIET))
    train_until_clear([MLP, CONVNET], trainer, SIDES, _settings((3,)), _recorded((3,)))
    for number, at in enumerate(range(0, 12, 4), 1):
        pair = trainer.trained[at : at + 4]
        assert [name for name, _, _ in pair] == ["mlp", "convnet", "mlp", "convnet"]
        assert {side for _, side, _ in pair} == {"A", "B"}
        assert {at for _, _, at in pair} == {number}


def test_only_what_is_unclear_gets_more_repeats() -> None:
    noisy, quiet = _cycle(NOISY, by=0.03), _cycle(QUIET, by=0.05)
    trainer = Trainer(lambda row, repeat: (noisy if row is MLP else quiet)(row, repeat))
    train_until_clear([MLP, CONVNET], trainer, SIDES, _settings(), _recorded())
    assert trainer.count("convnet") == 12
    assert trainer.count("mlp") in INTERIM_CHECKS[1:]


def test_a_row_of_which_no_repeat_counts_gets_no_more() -> None:
    trainer = Trainer(lambda _row, repeat: -1.0 if repeat.side == "B" else 1.0)
    recorded = _recorded()
    trained = train_until_clear([MLP], trainer, SIDES, _settings(), recorded)
    assert trainer.count("mlp") == 12
    assert [each.side for each in trained if isinstance(each, Failed)] == ["B"] * 12


@pytest.mark.parametrize(("have", "word", "most"), [(12, "SLOWER", 12), (2, "UNCLEAR", 12)])
def test_against_a_record_it_goes_on_from_what_was_trained_already(
    tmp_path: Path, have: int, word: str, most: int
) -> None:
    medians = [QUIET[at % 6] for at in range(have)]
    path = records.write(tmp_path, "before.json", records.record(repeats("mlp", medians)))
    choose, _ = baseline(str(path), tmp_path, None)
    request = ComparisonRequest(str(path), "this run", choose)
    trainer, recorded = Trainer(_cycle(QUIET, by=0.05)), _recorded()
    for number in range(1, 13):
        (first,) = trainer(MLP, Repeat(number))
        recorded.add(first)
    assert train_until_clear([MLP], trainer, request, _settings(), recorded) == []
    assert trainer.count("mlp") == most
    (row,) = compared(request, recorded).rows
    assert row.word == word


def test_what_is_unclear_against_a_record_is_trained_on(tmp_path: Path) -> None:
    medians = [NOISY[at % 8] for at in range(96)]
    path = records.write(tmp_path, "before.json", records.record(repeats("mlp", medians)))
    choose, _ = baseline(str(path), tmp_path, None)
    request = ComparisonRequest(str(path), "this run", choose)
    trainer, recorded = Trainer(_cycle(NOISY, by=0.03)), _recorded()
    for number in range(1, 13):
        recorded.add(trainer(MLP, Repeat(number))[0])
    trained = train_until_clear([MLP], trainer, request, _settings(), recorded)
    assert [each.repeat for each in trained] == list(range(13, trainer.count("mlp") + 1))
    assert trainer.count("mlp") in INTERIM_CHECKS[1:]


def test_one_row_of_several_gpus_is_unclear_while_one_of_them_is() -> None:
    gpus = [replace(records.H100, index=at, group="all") for at in (0, 1)]
    row = Row(EVERY["mlp"], replace(records.H100, index=None, group="all"))

    def train(_row: Row, repeat: Repeat) -> tuple[Result, ...]:
        seen.append(repeat.number)
        figures = [_cycle(QUIET, 0.05)(row, repeat), _cycle(NOISY, 0.03)(row, repeat)]
        return tuple(
            result(
                "mlp", gpu, seconds=(2.0, median, median), repeat=repeat.number, side=repeat.side
            )
            for gpu, median in zip(gpus, figures, strict=True)
        )

    seen: list[int] = []
    train_until_clear([row], train, SIDES, _settings(), _recorded())
    assert max(seen) in INTERIM_CHECKS[1:]


# ---- when it is worth training on


def _unclear(a: int, b: int, factor: float | None) -> Compared:
    side_a, side_b = (Evidence("", (1.0,) * count) for count in (a, b))
    return Compared(Name("mlp", CPU, STOCK), "UNCLEAR", side_a, side_b, factor_needed=factor)


@pytest.mark.parametrize(
    ("a", "b", "factor", "in_turn", "reached"),
    [
        # two sides grow together
        (12, 12, 1.5, True, True),
        (12, 12, 16.0, True, True),
        (12, 12, 16.1, True, False),
        # a record that is there already bounds what more of the other side can tell
        (96, 12, 4.0, False, True),
        (12, 12, 3.0, False, True),
        (12, 12, 4.0, False, False),
        (4, 12, 4.0, False, False),
        # where no spread is known more repeats help only a side that gets them
        (1, 12, None, True, True),
        (1, 12, None, False, False),
        (12, 1, None, False, True),
        # a side of which no repeat counts is given up
        (0, 12, None, True, False),
        (12, 0, None, True, False),
    ],
)
def test_a_row_is_trained_on_while_it_may_become_clear(
    a: int, b: int, factor: float | None, in_turn: bool, reached: bool
) -> None:
    assert within_reach(_unclear(a, b, factor), MOST, in_turn=in_turn) is reached
