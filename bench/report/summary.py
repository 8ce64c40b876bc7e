"""The answer first: verdict, table, warnings with their fixes, next step, where the record is."""

from __future__ import annotations

import functools
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from bench.errors import shown as printable
from bench.judge import rerun
from bench.judge.bottleneck import LEAST_GAIN, could_be_tuned
from bench.record import ending
from bench.record.artifacts import models
from bench.record.comparable import why_excluded
from bench.record.head import Device
from bench.record.model import Finished, Record, Result, TargetResult
from bench.record.variant import AS_PUBLISHED, STOCK
from bench.report import bars, folds, inference, notes, rows, table, targets, variants
from bench.report import format as shown
from bench.report.experiment import arms
from bench.report.experiment import table as experiment_table
from bench.report.format import Screen, Unbroken

TITLE = "Grindstone  "
GAP = "   "
# Below this the others had ended, or not begun, for much of the time that the median is taken over.
_LEAST_CONCURRENT = 0.9


def text(
    record: Record, path: Path | None, screen: Screen, *, page: Path | None = None, verbose: bool
) -> str:
    """All of it, ready to be written.

    path: where the record is; None where it could not be written.
    page: where its page is, if it has one.
    verbose: whether what only explains is told, too.
    """
    results = rows.one_a_row(record.results)
    told = [*results, *record.time_to_target]
    names = shown.Names(results, record.time_to_target)
    short = functools.partial(brief, record=record, path=path)
    experiment = arms.experiment(record)
    parts: list[RenderableType] = [*headline(record, results), status(record, names)]
    if experiment:
        parts += ["", *experiment_table.answers(experiment)]
        parts.append(experiment_table.draw(experiment, screen))
    elif results:
        parts.append(table.draw(results, screen))
        if screen.pictures and (picture := list(bars.draw(results, names))):
            parts += [*picture, ""]
    if inference.measured(results):
        parts += [*inference.lines(results), inference.draw(results, screen)]
    if record.time_to_target:
        parts += [*([] if results else [""]), targets.draw(record.time_to_target, screen)]
    blocks: tuple[Sequence[RenderableType], ...] = (
        list(experiment_table.remarks(experiment)) if experiment else [],
        []
        if experiment
        else [
            *findings(results, names),
            *variants.lines(results),
            *folds.lines(record.results),
            *targets.lines(record.time_to_target),
        ],
        [_highlighted(short(line)) for line in notes.warnings(record, told, names)],
        [Unbroken(short(line)) for line in last(record, results, names)],
        list(map(short, notes.details(record, told, names))) if verbose else [],
    )
    for block in filter(None, blocks):
        parts += [*block, ""]
    return screen.draw(*parts) + screen.plain(_footer(record, path, page, screen, verbose=verbose))


def headline(record: Record, results: Sequence[Result]) -> list[Text]:
    """What each GPU is worth, a line each, or what there is without one."""
    devices = {each.device.id: each.device for each in (*results, *record.time_to_target)}
    gpus = [device for device in devices.values() if device.is_gpu]
    lines: dict[str, list[str]] = {}
    for device in [device for device in gpus if device.group != "all"] or gpus:
        name = f"{device.id} ({shown.short_name(device.name)})"
        lines.setdefault(_worth(device, results), []).append(name)
    told = [", ".join(names) + worth for worth, names in lines.items()] or [_cpu(record)]
    indents = [TITLE, *[" " * len(TITLE)] * (len(told) - 1)]
    return [
        Text.assemble((indent, "bold"), line) for indent, line in zip(indents, told, strict=True)
    ]


def _worth(device: Device, results: Sequence[Result]) -> str:
    """`: 12 to 40 times as fast as the CPU (tuned 38 to 50), best in convnet`.

    It is told of one mode, of plain `model.fit` where that was trained, and of side A; and of the
    tuned loop beside the CPU's plain `fit`, where that is another answer.
    """
    if not any(each.device == device for each in results):
        return ""  # it was trained on to targets, which have lines of their own
    finished = [each for each in rows.finished(results) if each.side != "B"]
    alike = [each for each in finished if each.way == STOCK] or finished
    own = [each for each in alike if each.device == device]
    gains = {each.workload: gain for each in own if (gain := rows.speed_up(each, alike))}
    if not gains:
        return ": no CPU time to compare with" if own else ": no training finished"
    best, least, most = _range(gains)
    tuned = _worth_tuned(gains, finished, device)
    where = f"{', best' if len(gains) > 1 else ''} in {best}"
    return f": {shown.one_or_range(least, most)} times as fast as the CPU{tuned}{where}"


def _worth_tuned(gains: Mapping[str, float], finished: Sequence[Finished], device: Device) -> str:
    """` (tuned 38 to 50)`: gains, as plain `fit` has them, times what tuning gains."""
    of_tuning = rows.tuning_gains(finished).get(device.id, {})
    tuned = {name: gains[name] * of_tuning[name] for name in gains if name in of_tuning}
    if not any(of_tuning[name] >= LEAST_GAIN for name in tuned):
        return ""
    _, least, most = _range(tuned)
    return f" (tuned {shown.one_or_range(least, most)})"


def _range(gains: Mapping[str, float]) -> tuple[str, str, str]:
    """Where the gain is greatest; the least and the greatest as shown."""
    best = max(gains, key=gains.__getitem__)
    return best, shown.times(min(gains.values())), shown.times(gains[best])


def _cpu(record: Record) -> str:
    cpu, why = record.machine.cpu, record.machine.why_no_gpu
    name = f"({shown.short_name(cpu.name)}, {len(cpu.affinity)} threads)"
    if record.settings.devices is not None or why is None:
        return f"CPU {name}"
    return f"CPU only {name}: {_clause(why)}"


def _clause(why: str) -> str:
    """The reason without what explains it; the rest is a warning or a detail."""
    return re.split(r" \(|; ", why, maxsplit=1)[0]


def status(record: Record, names: shown.Names) -> Text:
    """`PASSED 5 of 5, 1 NOISY   slowest: convnet, 7.96 s per epoch`.

    What somebody has interrupted is no failure, and is told apart.
    """
    trained: list[Result | TargetResult] = [*record.results, *record.time_to_target]
    every = [each for each in trained if not ending.was_interrupted(each)]
    told = _outcome(record, every, names) if every else Text()
    if len(every) < len(trained):
        who = ", ".join(names(each) for each in trained if ending.was_interrupted(each))
        told = Text.assemble(
            (ending.INTERRUPTED, "bold yellow"), f" in {who}{GAP if every else ''}", told
        )
    return told


def _outcome(record: Record, every: Sequence[Result | TargetResult], names: shown.Names) -> Text:
    words = [rows.outcome(record, each) for each in every]
    wrong = [each for each, word in zip(every, words, strict=True) if word in ending.WRONG]
    if wrong:
        who = ", ".join(dict.fromkeys(map(names, wrong)))
        return Text.assemble(("FAILED", "bold red"), f" {len(wrong)} of {len(every)}: {who}")
    flagged = Counter(word for word in words if word != "OK")
    doubts = "".join(f", {count} {word}" for word, count in flagged.items())
    status = Text.assemble(("PASSED", "bold green"), f" {len(every)} of {len(every)}{doubts}")
    finished = rows.finished(rows.one_a_row(record.results))
    if finished and not any(each.device.is_gpu for each in finished):
        slowest = max(finished, key=lambda each: each.epochs.median)
        median = shown.seconds(slowest.epochs.median)
        status.append(f"{GAP}slowest: {names(slowest)}, {median} per epoch")
    return status


def findings(results: Sequence[Result], names: shown.Names) -> Iterator[str]:
    """What tuning, several GPUs at once and images read as files come to, a line each."""
    several = len({each.device.id for each in results}) > 1
    for device, gains in rows.tuning_gains(results).items():
        best, least, most = _range(gains)
        where = f" on {device}" if several else ""
        most_in = f"in {best}" if len(gains) == 1 else f"most in {best}"
        yield f"Tuned{where}: {shown.one_or_range(least, most)} times as fast as stock, {most_in}"
    for each in rows.finished(results):
        gain, pace = rows.scaling(each, results), rows.concurrent_pace(each, results)
        if gain:
            count = each.worker.replicas
            yield (
                f"{each.workload} over {count} GPUs: {gain:.2f} times the best of them alone "
                f"(scaling efficiency {shown.share(gain / count)}; the batch is split)"
            )
        if pace:
            yield _concurrent(each, pace)
        if each.machines:
            yield _over_machines(each, results)
        if each.input and each.input.waiting is not None:
            yield f"{names(each)}: {_waiting(each)}"


def _over_machines(result: Finished, results: Sequence[Result]) -> str:
    over, gain = result.machines, rows.machines_gain(result, results)
    assert over is not None
    count = len(over.names)
    whole = result.variant is not None and bool(result.variant.scaled)
    batch = f"{over.batch} images a step, {'scaled' if whole else 'split'}"
    told = [
        f"{gain:.2f} times {over.names[0]} alone (scaling efficiency {shown.share(gain / count)})"
        if gain
        else "no training on one machine to hold it to",
        f"{shown.share(rows.communication_share(result))} of an epoch in communication",
    ]
    longer = max(over.compute) / min(over.compute)
    told.append(f"slowest: {over.slowest}, {longer:.2f} times the fastest")
    how = f"{over.communication}, {batch}"
    return f"{result.workload} over {count} machines ({how}): {'; '.join(told)}"


def _concurrent(result: Finished, pace: float) -> str:
    assert result.concurrent is not None
    others = [other.id.partition(" of ")[0] for other in result.concurrent.devices]
    line = (
        f"{result.workload} on {result.device.id.partition(' of ')[0]}: {shown.share(pace)} of its "
        f"speed alone while {shown.and_so(others)} trained, too"
    )
    share = result.concurrent.share
    if share >= _LEAST_CONCURRENT:
        return line
    return f"{line}, for {shown.share(share)} of the time only; --profile full trains longer"


def _waiting(result: Finished) -> str:
    read = result.input
    assert read is not None
    assert read.waiting is not None
    cached = "" if read.source == "memory" else ", page cache dropped before each epoch"
    warm = ""
    if read.warm_seconds is not None and read.warm_waiting is not None:
        cold = shown.seconds(result.epochs.median)
        warm = (
            f"; {shown.share(read.warm_waiting)} with the files in the page cache "
            f"(an epoch of {shown.seconds(read.warm_seconds)} in place of {cold})"
        )
    return (
        f"{shown.share(read.waiting)} of an epoch waiting for images "
        f"({shown.megabytes(read.bytes)} in {read.folder}, {read.file_system}{cached}){warm}"
    )


def _highlighted(warning: str) -> Text:
    text = Text(warning)
    text.highlight_words([*ending.WRONG, "GPU lost"], "red")
    text.highlight_words(["NOISY", "DRIFT", "CONTENDED", "THROTTLED", "POWER-CAPPED"], "yellow")
    return text


def last(record: Record, results: Sequence[Result], names: shown.Names) -> list[str]:
    """What limits the speed, where that is known, and the next step."""
    limited = notes.bottlenecks(results, names)
    step = _next_step(record, results, known=bool(limited))
    return list(filter(None, (limited, step)))


def _next_step(record: Record, results: Sequence[Result], *, known: bool) -> str:
    if record.settings.experiment or not (rows.finished(results) or record.time_to_target):
        return ""
    if record.settings.profile == "smoke":
        variants = [each.variant for each in results if each.variant and each.variant.machines]
        kept = rerun.without("--profile", notes.train_again(record))
        words = [*kept, "--profile", "quick"]
        variant = variants[0] if variants else AS_PUBLISHED
        repeated = rerun.command(words, variant, host=record.settings.host)
        return f"Next: {repeated} (the smoke profile is too short to compare times)"
    gpus = [each for each in results if each.device.is_gpu]
    trained = {
        (each.workload, each.device.id, each.side) for each in results if each.mode != "stock"
    }
    unknown = any(
        each.bottleneck is not None
        and each.bottleneck.cause == "unknown"
        and each.mode == "stock"
        and could_be_tuned(each)
        and why_excluded(each) is None
        and (each.workload, each.device.id, each.side) not in trained
        for each in rows.finished(gpus or results)
    )
    if not unknown:
        return ""
    words = [*notes.train_again(record), "--mode", "stock,tuned"]
    both = rerun.command(words, host=record.settings.host)
    return f"{'For the others' if known else 'To find the bottlenecks'}: {both}"


def brief(line: str, record: Record, path: Path | None) -> str:
    """A line whose command has `--like RUN` instead of the options that the run was given.

    It has them all as the run had them, or with another value behind them, which counts.  It stays
    as it is where that is no longer, or where there is no record; and where options are apart from
    their values, as in an older record, for these may be words of the line.
    """
    words = record.settings.rerun_options
    if path is None or not words or not all(word.startswith("--") for word in words):
        return line
    like = f" --like {shlex.quote(str(path))}"
    given = "|".join(re.escape(f" {shlex.quote(word)}") for word in words)

    def shorter(found: re.Match[str]) -> str:
        return like if len(like) < len(found[0]) else found[0]

    return re.sub(rf"(?:(?:{given})(?=[\s,;.]|$))+", shorter, line)


def _footer(
    record: Record, path: Path | None, page: Path | None, screen: Screen, *, verbose: bool
) -> str:
    """In one line where it fits; never wrapped, so that the paths can be copied."""
    parts = [
        _data(record),
        f"Record: {printable(path) if path else 'none, it could not be written'}",
        f"Page: {printable(page)}" if page else "",
        f"Models: {printable(models(path))}" if path and _saved(record) else "",
        "" if verbose else "More: -v",
    ]
    told = [part for part in parts if part]
    whole = (2 * GAP).join(told)
    if len(whole) <= screen.width:
        return f"{whole}\n"
    lines = [told[0]]
    for part in told[1:]:
        if len(lines) > 1 and len(f"{lines[-1]}{2 * GAP}{part}") <= screen.width:
            lines[-1] += f"{2 * GAP}{part}"
        else:
            lines.append(part)
    return "".join(f"{line}\n" for line in lines)


def _saved(record: Record) -> bool:
    return any(each.saved and each.saved.value for each in rows.finished(record.results))


def _data(record: Record) -> str:
    """`Data: synthetic (no download, no --data-dir)`."""
    sets = [each.dataset for each in (*record.results, *record.time_to_target) if each.dataset]
    if not sets:
        return ""
    kinds = sorted({each.label for each in sets})
    if all(each.kind != "synthetic" for each in sets):
        return f"Data: {shown.and_so(kinds)}"
    if record.settings.synthetic:
        return f"Data: {shown.and_so(kinds)} (--synthetic)"
    tried = any(each.name == "mnist" and each.kind == "synthetic" for each in sets)
    why = "no download, no --data-dir" if tried else "no --data-dir"
    return f"Data: {shown.and_so(kinds)} ({why})"
