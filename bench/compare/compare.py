"""Two records row by row: which rows may be compared, and what comes of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bench.compare import stats
from bench.compare.match import Choose, Pair, refuse_two_sides
from bench.invocation import COMMAND
from bench.judge.rerun import row_command
from bench.record.comparable import (
    OF_THE_ENVIRONMENT,
    OF_THE_MACHINE,
    Name,
    Row,
    Rows,
    fix_for,
    other_machine,
    row_difference,
    title,
)
from bench.record.repeats import ENOUGH, LEAST_REPEATS, SIDES

Word = Literal["SAME", "FASTER", "SLOWER", "UNCLEAR", "informative only", "not comparable"]

SLOWER, NOTHING = 1, 2  # exit statuses

# How much less evidence than it now looks like might do after all: of 12 repeats a side the
# spread, squared, is known to within a factor of two.
_SLACK = 2.0

# Above this number nobody trains more repeats: the machine has to be quieter instead.
_TOO_MANY = 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """One side of a row.

    source: where its record is.
    seconds: the median of each of its repeats, in s.
    excluded: which repeats were not used, and why, in words; empty where all were.
    """

    source: str
    seconds: tuple[float, ...]
    excluded: str = ""

    @property
    def median(self) -> float | None:
        """Of its repeats, in s."""
        return statistics.median(self.seconds) if self.seconds else None


@dataclass(frozen=True, slots=True)
class Compared:
    """A row and its answer.

    word: the answer, or that there can be none; two machines are only put side by side.
    ratio, low, high: B's time over A's and its interval; None without an answer from figures.
    why: what an answer other than SAME, FASTER or SLOWER comes from, and what would make it
        clear; None with those three.
    factor_needed: how many times the evidence there is would make it clear; None where it is, or
        nobody knows.
    """

    name: Name
    word: Word
    a: Evidence | None
    b: Evidence | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    why: str | None = None
    factor_needed: float | None = None

    @property
    def title(self) -> str:
        """`mlp on cpu`."""
        return title(self.name)

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it.  Times are in s."""
        workload, device, way, figure = self.name
        interval = None
        if self.low is not None and self.high is not None:
            interval = [self.low, self.high if math.isfinite(self.high) else None]
        return {
            "workload": workload,
            "device": device.id,
            "mode": str(way),
            "figure": figure,
            "answer": self.word,
            "ratio": self.ratio,
            "interval": interval,
            "why": self.why,
            "a": _side_to_json(self.a),
            "b": _side_to_json(self.b),
        }


def exit_status(compared: Sequence[Compared]) -> int:
    """The exit status that answers make: without one, nothing was compared (NOTHING)."""
    words = {row.word for row in compared}
    if "SLOWER" in words:
        return SLOWER
    return 0 if words & {"SAME", "FASTER"} else NOTHING


def with_baseline(now: Rows, choose: Choose) -> list[Compared]:
    """The answers for every row of a record.

    Raises:
        GrindstoneError: it has two sides.
    """
    refuse_two_sides(now)
    pairs = [choose(row) for row in now.alone.values()]
    return _answered(pairs, str(now.path), now.interim_checks)


def between_sides(record: Rows) -> list[Compared]:
    """The answers for every row of a run in which two environments were trained with in turn."""
    a, b = (record.sides.get(side, {}) for side in SIDES)
    pairs = [
        Pair(row, a.get(name), "side A has nothing of it", "side A") for name, row in b.items()
    ]
    return _answered(pairs, "side B", record.interim_checks, in_turn=True)


def within_reach(row: Compared, most: int, *, in_turn: bool) -> bool:
    """Whether a row that is unclear so far might be clear with so many repeats.

    in_turn: both sides get them; otherwise A stays as it is, and may have too few for any B.
    """
    if not (row.a and row.a.seconds and row.b and row.b.seconds):
        return False
    a, b = len(row.a.seconds), len(row.b.seconds)
    at_most = most if in_turn else a
    if row.factor_needed is None:
        return at_most >= LEAST_REPEATS
    # The square of the error goes with the sum of 1/repeats of both sides.
    return 1 / at_most + 1 / most <= _SLACK * (1 / a + 1 / b) / row.factor_needed


def _answered(
    pairs: Sequence[Pair], now_from: str, checks: int, *, in_turn: bool = False
) -> list[Compared]:
    told = [_without_figures(pair, now_from, in_turn=in_turn) for pair in pairs]
    open_ = [pair for pair, done in zip(pairs, told, strict=True) if done is None]
    judged = iter(_judged(open_, now_from, checks, in_turn=in_turn) if open_ else [])
    return [done or next(judged) for done in told]


def _without_figures(pair: Pair, now_from: str, *, in_turn: bool) -> Compared | None:
    """The answer to a row whose figures may not, or cannot, be compared."""
    now, before = pair.now, pair.before
    b = _evidence(now, now_from)
    if before is None:
        return Compared(now.name, "not comparable", None, b, why=pair.why_none)
    a = _evidence(before, pair.source)
    machines = None if in_turn else other_machine(before, now)
    may_differ = OF_THE_ENVIRONMENT if in_turn else OF_THE_MACHINE if machines else ()
    unlike = row_difference(before, now, may_differ)
    if unlike is not None:
        return Compared(now.name, "not comparable", a, b, why=unlike)
    lacking = [(row, side.source) for row, side in ((before, a), (now, b)) if not side.seconds]
    if lacking:
        which = ", and none ".join(
            f"of {source} counts ({row.why_excluded})" for row, source in lacking
        )
        why = f"no repeat {which}; {fix_for(row for row, _ in lacking)}"
        return Compared(now.name, "UNCLEAR", a, b, why=why)
    if machines and a.median and b.median:
        why = f"{machines}: two machines side by side tell nothing of a change"
        return Compared(now.name, "informative only", a, b, b.median / a.median, why=why)
    return None


def _judged(pairs: Sequence[Pair], now_from: str, checks: int, *, in_turn: bool) -> list[Compared]:
    estimate = stats.stack([_estimate(pair, in_turn=in_turn) for pair in pairs])
    said = stats.answer(estimate, np.array([pair.candidates for pair in pairs]), checks)
    compared = []
    for index, pair in enumerate(pairs):
        assert pair.before is not None
        needed = float(said.factor_needed[index])
        word: stats.Answer = str(said.words[index])  # type: ignore[assignment]
        factor = None if word != "UNCLEAR" or math.isnan(needed) else needed
        compared.append(
            Compared(
                pair.now.name,
                word,
                _evidence(pair.before, pair.source),
                _evidence(pair.now, now_from),
                math.exp(estimate.centre[index]),
                float(said.low[index]),
                float(said.high[index]),
                _why_unclear(pair, factor, in_turn=in_turn) if word == "UNCLEAR" else None,
                factor,
            )
        )
    return compared


def _estimate(pair: Pair, *, in_turn: bool) -> stats.Estimate:
    assert pair.before is not None
    a, b = pair.before.medians, pair.now.medians
    both = sorted(a.keys() & b.keys())  # where one of a pair is excluded, so is the other
    if in_turn and len(both) >= LEAST_REPEATS:
        return stats.paired([a[number] for number in both], [b[number] for number in both])
    return stats.independent(list(a.values()), list(b.values()))


def _why_unclear(pair: Pair, factor: float | None, *, in_turn: bool) -> str:
    """What would make a row clear.  factor: how many times the evidence; None: nobody knows."""
    assert pair.before is not None
    counts = [len(row.medians) for row in (pair.before, pair.now)]

    def again(repeats: int) -> str:
        if in_turn:
            return f"{COMMAND} compare-envs PYTHON_A PYTHON_B --processes {repeats}"
        workload, device, way, _ = pair.now.name
        more = [*pair.now.rerun_options, "--processes", str(repeats)]
        return row_command(workload, device.option, way, pair.now.file, more)

    if factor is None:
        few = "one repeat" if min(counts) == 1 else f"{min(counts)} repeats"
        return (
            f"{few} on a side shows no spread, and beside neighbours the same training took "
            f"3 times as long; train both sides with {again(ENOUGH)}"
        )
    needed = max(ENOUGH, math.ceil(factor * 2 / sum(1 / count for count in counts)))
    if needed > _TOO_MANY:
        return (
            f"its repeats differ so much that it would take {needed:,} a side; "
            "find what else runs here (ps, top), and end it"
        )
    told = f"about {needed} repeats a side would show a difference of 5 %"
    if in_turn or counts[0] >= needed:
        return f"{told}: {again(needed)}"
    return f"{told}, and A has {counts[0]}; train both sides with {again(needed)}"


def _evidence(row: Row, source: str) -> Evidence:
    return Evidence(source, tuple(row.medians.values()), row.why_excluded)


def _side_to_json(side: Evidence | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "source": side.source,
        "median": side.median,
        "processes": list(side.seconds),
        "left_out": side.excluded,
    }
