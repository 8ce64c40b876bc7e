"""Trains rows until it is clear whether they are slower: repeats, interim checks, giving up.

    pytest bench/ --against FILE|last|best
    python -m bench compare-envs PYTHON_A PYTHON_B

What is clear at a check is trained no further, nor is what no number of repeats would make clear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.compare import compare, table
from bench.compare.compare import Compared
from bench.compare.match import Choose, baseline, in_words
from bench.options import Settings
from bench.record.comparable import Name, Rows
from bench.record.model import Result
from bench.record.repeats import Repeat, in_turn
from bench.report.format import Screen
from bench.runner.row import Row

Train = Callable[[Row, Repeat], Sequence[Result]]


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """A comparison that was asked for, looked at before anything is trained.

    a, b: what the two sides are, in words.
    choose: what each row is compared with; None compares the two sides of the run.
    skipped: records that could not be read, a line each.
    """

    a: str
    b: str
    choose: Choose | None = None
    skipped: Sequence[str] = ()

    @property
    def two_sided(self) -> bool:
        """Whether two environments are trained with."""
        return self.choose is None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison as it came out."""

    rows: list[Compared]
    request: ComparisonRequest

    @property
    def status(self) -> int:
        """The exit status that `python -m bench compare` would have."""
        return compare.exit_status(self.rows)

    @property
    def problem(self) -> str | None:
        """What has to be said below it, or None."""
        unanswered = self.status == compare.NOTHING
        return "--against: no row has an answer; the reasons are above" if unanswered else None

    def text(self, screen: Screen) -> str:
        """The table and the lines below it."""
        return table.text(self.rows, self.request.a, self.request.b, screen)


def request(against: str, settings: Settings) -> ComparisonRequest:
    """What `--against` asks for.

    Raises:
        GrindstoneError: there is nothing to compare with.
    """
    choose, skipped = baseline(against, settings.results_dir, None)
    a = in_words(against, settings.results_dir)
    return ComparisonRequest(a, "this run", choose, skipped)


def compared(request: ComparisonRequest, rows: Rows) -> Comparison:
    """The comparison of what has been recorded."""
    if request.choose is None:
        return Comparison(compare.between_sides(rows), request)
    return Comparison(compare.with_baseline(rows, request.choose), request)


def train_until_clear(
    rows: Sequence[Row],
    train: Train,
    request: ComparisonRequest,
    settings: Settings,
    recorded: Rows,
) -> list[Result]:
    """Trains the rows that are not clear, in turn, check by check; returns what it trained.

    What slows the machine for a quarter of an hour then meets all rows and both sides alike.

    train: trains a repeat of a row and records what came of it.
    recorded: the rows of the run so far; grows by what is trained.
    """
    trained: list[Result] = []
    order = in_turn(settings.repeats, sides=request.two_sided, order_seed=settings.order_seed)
    done = _trained(recorded)
    for check in settings.interim_checks:
        if check <= done:
            continue
        settled = _settled(request, settings, recorded) if done else set()
        unclear = [row for row in rows if not done or _of_row(row, recorded) - settled]
        for repeat in (each for each in order if done < each.number <= check):
            for row in unclear:
                results = train(row, repeat)
                for result in results:
                    recorded.add(result)
                trained += results
        done = check
    return trained


def _of_row(row: Row, recorded: Rows) -> set[Name]:
    """What a row's results are called in the record: several where it trains several GPUs."""
    wanted = (row.workload.name, row.device.option, row.way)
    return {
        name
        for rows in recorded.sides.values()
        for name in rows
        if (name.workload, name.device.option, name.way) == wanted
    }


def _settled(request: ComparisonRequest, settings: Settings, recorded: Rows) -> set[Name]:
    """The rows that take no more repeats: they are clear, or will never be."""
    return {
        row.name
        for row in compared(request, recorded).rows
        if row.word != "UNCLEAR"
        or not compare.within_reach(row, settings.repeats, in_turn=request.two_sided)
    }


def _trained(recorded: Rows) -> int:
    """How many repeats the rows have had."""
    rows = [row for side in recorded.sides.values() for row in side.values()]
    return max((len(row.medians) + len(row.excluded) for row in rows), default=0)
