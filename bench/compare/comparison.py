"""Two records row by row: which rows may be compared, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bench.compare import answers, key, ratio
from bench.compare.answers import Answer
from bench.compare.choice import Choose, Pair, refuse_two_sides, why_not_alike
from bench.compare.rows import Name, Reading, Row, title
from bench.judge import rerun
from bench.record.repeats import ENOUGH, SIDES

Word = Literal["SAME", "FASTER", "SLOWER", "UNCLEAR", "not comparable"]

# How much less evidence than it now looks like might do after all: of 12 processes a side the
# spread, squared, is known to within a factor of two.
_SLACK = 2.0

# Above this number nobody trains more processes: the machine has to be quieter instead.
_TOO_MANY = 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """One side of a row.

    source: where its record is.
    seconds: the median steady epoch of each of its processes, in s.
    left_out: which processes were not used, and why, in words; empty where all were.
    """

    source: str
    seconds: tuple[float, ...]
    left_out: str = ""

    @property
    def median(self) -> float | None:
        """Of its processes, in s."""
        return float(np.median(self.seconds)) if self.seconds else None


@dataclass(frozen=True, slots=True)
class Compared:
    """A row and its answer.

    word: the answer, or that there can be none.
    ratio, low, high: B's time over A's and its interval; None without an answer from figures.
    why: what an answer other than SAME, FASTER or SLOWER comes from, and what would make it
        clear; None with those three.
    times: how many times the evidence there is would make it clear; None where it is, or nobody
        knows.
    """

    name: Name
    word: Word
    a: Evidence | None
    b: Evidence | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    why: str | None = None
    times: float | None = None

    @property
    def title(self) -> str:
        """`mlp on cpu`."""
        return title(self.name)


def between_records(now: Reading, choose: Choose) -> list[Compared]:
    """The answers for every row of a record.

    Raises:
        GrindstoneError: it has two sides.
    """
    refuse_two_sides(now)
    pairs = [choose(row) for row in now.rows.values()]
    return _answered(pairs, str(now.path), looks=now.looks)


def between_sides(record: Reading) -> list[Compared]:
    """The answers for every row of a run in which two environments were trained with in turn."""
    a, b = (record.sides.get(side, {}) for side in SIDES)
    pairs = [
        Pair(row, a.get(name), "side A has nothing of it", "side A") for name, row in b.items()
    ]
    return _answered(pairs, "side B", in_turn=True, looks=record.looks)


def _answered(
    pairs: Sequence[Pair], now_from: str, *, in_turn: bool = False, looks: int = 1
) -> list[Compared]:
    but = key.OF_THE_ENVIRONMENT if in_turn else ()
    told = [_without_figures(pair, now_from, but) for pair in pairs]
    open_ = [pair for pair, done in zip(pairs, told, strict=True) if done is None]
    judged = iter(_judged(open_, now_from, in_turn=in_turn, looks=looks) if open_ else [])
    return [done or next(judged) for done in told]


def _without_figures(pair: Pair, now_from: str, but: Iterable[str]) -> Compared | None:
    """The answer to a row whose figures may not, or cannot, be compared."""
    now, before = pair.now, pair.before
    b = _evidence(now, now_from)
    if before is None:
        return Compared(now.name, "not comparable", None, b, why=pair.why_none)
    a = _evidence(before, pair.source)
    unlike = why_not_alike(before, now, but)
    if unlike is not None:
        return Compared(now.name, "not comparable", a, b, why=str(unlike))
    for row, side in ((before, a), (now, b)):
        if not side.seconds:
            why = (
                f"no process of {side.source} counts ({row.why_left_out}); "
                "do what mends that, and train again"
            )
            return Compared(now.name, "UNCLEAR", a, b, why=why)
    return None


def _judged(pairs: Sequence[Pair], now_from: str, *, in_turn: bool, looks: int) -> list[Compared]:
    estimate = ratio.joined([_estimate(pair, in_turn=in_turn) for pair in pairs])
    said = answers.answer(estimate, np.array([pair.candidates for pair in pairs]), looks)
    compared = []
    for index, pair in enumerate(pairs):
        assert pair.before is not None
        a, b = _evidence(pair.before, pair.source), _evidence(pair.now, now_from)
        word: Answer = str(said.words[index])  # type: ignore[assignment]
        low, high = float(said.low[index]), float(said.high[index])
        enough = float(said.enough[index])
        times = None if word != "UNCLEAR" or math.isnan(enough) else enough
        compared.append(
            Compared(
                pair.now.name,
                word,
                a,
                b,
                math.exp(estimate.centre[index]),
                low,
                high,
                _unclear(pair, times, in_turn=in_turn) if word == "UNCLEAR" else None,
                times,
            )
        )
    return compared


def _estimate(pair: Pair, *, in_turn: bool) -> ratio.Estimate:
    assert pair.before is not None
    a, b = pair.before.medians, pair.now.medians
    both = sorted(a.keys() & b.keys())  # where one of a pair is left out, so is the other
    if in_turn and len(both) >= ratio.LEAST_PROCESSES:
        return ratio.in_pairs([a[number] for number in both], [b[number] for number in both])
    return ratio.apart(list(a.values()), list(b.values()))


def _counts(pair: Pair) -> list[int]:
    assert pair.before is not None
    return [len(row.medians) for row in (pair.before, pair.now)]


def _unclear(pair: Pair, times: float | None, *, in_turn: bool) -> str:
    """What would make a row clear.  times: how many times the evidence; None: nobody knows."""
    counts = _counts(pair)
    train_again = f"{rerun.command(*pair.now.name)} --processes"
    if times is None:
        few = "a process" if min(counts) == 1 else f"{min(counts)} processes"
        return (
            f"{few} on a side shows no spread, and beside neighbours the same training took "
            f"3 times as long; train both sides with {train_again} {ENOUGH}"
        )
    needed = max(ENOUGH, math.ceil(times * 2 / sum(1 / count for count in counts)))
    if needed > _TOO_MANY:
        return (
            f"its processes differ so much that it would take {needed:,} a side; "
            "find what else runs here (ps, top), and end it"
        )
    told = f"about {needed} processes a side would tell 5 %"
    if in_turn or counts[0] >= needed:
        return f"{told}: {train_again} {needed}"
    return f"{told}, and A has {counts[0]}; train both sides with {train_again} {needed}"


def _evidence(row: Row, source: str) -> Evidence:
    return Evidence(source, tuple(row.medians.values()), row.why_left_out)


def within_reach(row: Compared, most: int, *, in_turn: bool) -> bool:
    """Whether a row that is unclear so far might be clear with so many processes.

    in_turn: both sides get them; otherwise A stays as it is, and may have too few for any B.
    """
    if not (row.a and row.a.seconds and row.b and row.b.seconds):
        return False
    a, b = len(row.a.seconds), len(row.b.seconds)
    at_most = most if in_turn else a
    if row.times is None:
        return at_most >= ratio.LEAST_PROCESSES
    # The square of the error goes with the sum of 1/processes of both sides.
    return 1 / at_most + 1 / most <= _SLACK * (1 / a + 1 / b) / row.times


def as_json(compared: Compared) -> dict[str, Any]:
    """A row as `--json` prints it.  Times are in s."""
    workload, device, mode = compared.name
    return {
        "workload": workload,
        "device": device,
        "mode": mode,
        "answer": compared.word,
        "ratio": compared.ratio,
        "interval": _interval_as_json(compared),
        "why": compared.why,
        "a": _side_as_json(compared.a),
        "b": _side_as_json(compared.b),
    }


def _interval_as_json(compared: Compared) -> list[float | None] | None:
    if compared.low is None or compared.high is None:
        return None
    return [compared.low, compared.high if math.isfinite(compared.high) else None]


def _side_as_json(side: Evidence | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "source": side.source,
        "median": side.median,
        "processes": list(side.seconds),
        "left_out": side.left_out,
    }
