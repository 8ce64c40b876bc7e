"""What a page shows of a run, from its record alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.judge.drift import change
from bench.page import curves, experiment, facts, films, gpu, plots, posts, speeds
from bench.page.history import Past
from bench.page.plots import Line, Plot
from bench.record.head import WITHHELD, Machine
from bench.record.model import Finished, Record, Result, TimeToTarget, Training
from bench.report import folds, inference, notes, rows, summary, table, targets, variants
from bench.report import format as shown
from bench.report.experiment import arms
from bench.report.experiment import table as experiment_table
from bench.runner import remaining

_CAPTION = "An epoch is the median of all but the first, ± their median absolute deviation (MAD)."
_CAPTION_OF_GPUS = "{}: the GPU over the steady epochs, beside what it can do."
_CAPTION_OF_ARMS = "Mean over the seeds, after the last epoch; the first arm is the baseline."


@dataclass(frozen=True, slots=True)
class Table:
    """Cells below headings; the first of a row names it."""

    caption: str
    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """What is told of one workload, besides its rows in the table."""

    name: str
    sentences: tuple[str, ...]
    plots: tuple[Plot, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """How fast the trained networks answer: what that comes to, and the table of it."""

    lines: tuple[str, ...]
    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    caption: str = inference.CAPTION


@dataclass(frozen=True, slots=True)
class Run:
    """A run, as the template takes it.

    verdict: the first lines; what is limited and what comes next close it.
    answers: of the trained networks, where these were timed.
    worth: what the GPUs are, over all workloads.
    facts: name and value, by heading.
    """

    title: str
    verdict: tuple[str, ...]
    caption: str = ""
    headings: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    worth: Plot | None = None
    answers: Answers | None = None
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    workloads: tuple[Workload, ...] = ()
    facts: tuple[facts.Facts, ...] = ()


def run(
    record: Record, path: Path | None, past: Past, *, host: str | None = None, drawn: bool = True
) -> Run:
    """All that is shown of a record.

    host: what it is called in a fleet.
    drawn: whether there are plots.
    """
    results = rows.one_a_row(record.results)
    told = [*results, *record.time_to_target]
    names = shown.Names(results, record.time_to_target)
    made = arms.experiment(record)
    headings, cells = (
        (experiment_table.headings(made), list(experiment_table.cells(made)))
        if made
        else table.cells(results)
    )
    found = [
        *(experiment_table.remarks(made) if made else ()),
        *(() if made else summary.findings(results, names)),
        *(() if made else variants.lines(results)),
        *folds.lines(record.results),
        *targets.lines(record.time_to_target),
        *summary.last(record, results, names),
    ]
    return Run(
        title=f"{host or _named(record.machine)}, {record.started:%Y-%m-%d %H:%M} UTC",
        verdict=(
            *(experiment_table.answers(made) if made else ()),
            *_verdict(record, results, names),
        ),
        caption=_CAPTION_OF_ARMS if made else _CAPTION,
        headings=tuple(headings),
        cells=tuple(map(tuple, cells)),
        worth=speeds.speed_ups(rows.finished(results)) if drawn and not made else None,
        answers=_answers(results),
        findings=tuple(found),
        warnings=(
            *(remaining.unfinished(path, record) if path else ()),
            *notes.warnings(record, told, names),
        ),
        details=tuple(notes.details(record, told, names)),
        workloads=tuple(
            _workloads(record, path, rows.finished(results), names, past) if drawn else ()
        ),
        facts=tuple(facts.of(record, path)),
    )


def _verdict(record: Record, results: Sequence[Result], names: shown.Names) -> Iterator[str]:
    """The first line of a terminal without the name that it begins with, and the status."""
    for line in summary.headline(record, results):
        yield " ".join(str(line).removeprefix(summary.TITLE).split())
    yield "; ".join(str(summary.status(record, names)).split(summary.GAP))


def _named(machine: Machine) -> str:
    """By its system, where the record is one for other people."""
    return machine.system if machine.host == WITHHELD else machine.host


def _answers(results: Sequence[Result]) -> Answers | None:
    if not inference.measured(results):
        return None
    headings, cells = inference.cells(results)
    return Answers(tuple(inference.lines(results)), tuple(headings), tuple(map(tuple, cells)))


# ---- by workload


def _workloads(
    record: Record, path: Path | None, results: Sequence[Finished], names: shown.Names, past: Past
) -> Iterator[Workload]:
    every = dict.fromkeys(each.workload for each in (*results, *record.time_to_target))
    if (made := arms.experiment(record)) and (seen := tuple(experiment.drawn(made))):
        yield Workload(made.name, (), seen)
    for name in every:
        own = [each for each in results if each.workload == name]
        drawn = [
            *speeds.epochs(own, _label),
            *speeds.answers(own, _label),
            *_epochs(own),
            *gpu.strips(own, _label),
            *_losses(own),
            *curves.drawn(own, _label),
            *films.shown(own, path),
            *_targets([each for each in record.time_to_target if each.workload == name]),
            *_history(own, past),
        ]
        told = (*_qualities(own, names), *posts.lines(own))
        headings, cells = gpu.figures(own, _label)
        watched = (Table(_CAPTION_OF_GPUS.format(name), headings, cells),) if cells else ()
        yield Workload(name, told, tuple(drawn), watched)


def _label(training: Training) -> str:
    """What tells a row from the others of its workload: `gpu:0, tuned`."""
    side = f", side {training.side}" if training.side else ""
    return f"{training.device.id}{training.way.suffix}{side}"


def _epochs(own: Sequence[Finished]) -> Iterator[Plot]:
    series = [Line(_label(each), (None, *each.epochs.steady)) for each in own]
    if not series:
        return
    told = "; ".join(
        f"{_label(each)}: {shown.one_or_range(*_ends(each.epochs.steady))}, after a first one of "
        f"{shown.seconds(each.epochs.first)}"
        for each in own
    )
    sentence = f"Time of each steady epoch. {told}."
    yield plots.lines(f"{own[0].workload}: epoch by epoch", sentence, "s", series)


def _ends(steady: Sequence[float]) -> tuple[str, str]:
    """The shortest and the longest, as shown."""
    return shown.seconds(min(steady)), shown.seconds(max(steady))


def _losses(own: Sequence[Finished]) -> Iterator[Plot]:
    series = [
        Line(_label(each), each.epochs.loss, colour=colour)
        for colour, each in enumerate(own, start=1)
        if each.quality.value is not None and any(each.epochs.loss)
    ]
    if series:
        ends = "; ".join(
            f"{each.name} {_loss(each.values[0])} to {_loss(each.values[-1])}" for each in series
        )
        sentence = f"Mean training loss of each epoch: {ends}."
        yield plots.lines(f"{own[0].workload}: learning", sentence, "loss", series)


def _loss(value: float | None) -> str:
    if value is None:
        return "no number"
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def _targets(own: Sequence[object]) -> Iterator[Plot]:
    """Quality on the test images after each epoch, from each seed, with the targets."""
    for each in own:
        if not isinstance(each, TimeToTarget):
            continue
        metric, longest = each.quality.metric, max(len(trial.quality) for trial in each.trials)
        series = [Line(f"seed {trial.seed}", trial.quality) for trial in each.trials]
        series += [
            Line(
                f"target {shown.quality(metric, target.target)}",
                (target.target,) * longest,
                dashed=True,
            )
            for target in each.targets
        ]
        where = _label(each)
        title = f"{each.workload} on {where}: quality on the test images, to target"
        sentence = f"{each.quality.metric} after each epoch, from {len(each.trials)} seeds."
        yield curves.of_quality(title, sentence, metric, series)


def _qualities(own: Sequence[Finished], names: shown.Names) -> Iterator[str]:
    for each in own:
        quality = each.quality
        reached = shown.quality(quality.metric, quality.value)
        before = shown.quality(quality.metric, quality.untrained)
        judged = f"of {quality.metric}" if each.file else "on the test images"
        told = f"{names(each)}: {reached} {judged}, {before} before the first step"
        if quality.floor is not None:
            sign = "at most" if quality.floor_is_most else "at least"
            told += f"; required: {sign} {shown.quality(quality.metric, quality.floor)}"
        if each.epochs.memory:
            most = shown.megabytes(max(each.epochs.memory))
            told += f"; the worker took up to {most} of the host's memory"
        yield f"{told}."


def _history(own: Sequence[Finished], past: Past) -> Iterator[Plot]:
    """The medians of earlier comparable runs, and where they took a step."""
    for colour, each in enumerate(own, start=1):
        medians = past.of(each)
        if len(medians) < 2:
            continue
        values = [median for _, median in medians]
        told = f"{len(values)} comparable runs, {shown.seconds(values[-1])} in the last one"
        step = change(values)
        if step:
            told += (
                f"; a step after {medians[step.after - 1][0]}: {shown.seconds(step.before)} "
                f"before, {shown.seconds(step.now)} since"
            )
        series = [Line(_label(each), values, colour=colour)]
        if step:
            before, since = (step.before,) * step.after, (step.now,) * (len(values) - step.after)
            name = "median on either side of the step"
            line = Line(name, (*before, *since), dashed=True, colour=colour + 1)
            series.append(line)
        title = f"{each.workload} on {_label(each)}: runs on this machine"
        days = [day for day, _ in medians]
        yield plots.lines(title, f"{told}.", "s per epoch", series, x_labels=days)
