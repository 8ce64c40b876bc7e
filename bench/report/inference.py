"""How fast the trained networks answer: what a GPU is worth there, and a table of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from bench.record.comparable import answers_of
from bench.record.inference import Inference
from bench.record.model import Finished, Result, Training
from bench.record.variant import STOCK
from bench.report import format as shown
from bench.report import rows, table
from bench.report.format import Screen
from bench.report.table import Layout

CAPTION = (
    "From an input in the host's memory to its answers there, compiled and warmed up; what 95 of "
    "100 calls did not exceed."
)
_ONE, _P95, _RATIO = "One answer", "95 of 100", "CPU ÷ GPU"
_BATCH, _RATE, _GAIN, _VERDICT = "Batch", "Images/s (median ± MAD)", "CPU ÷ GPU ", "Verdict"
_TWO_LINES = {
    _ONE: "One\nanswer",
    _P95: "95 of\n100",
    _RATIO: "CPU ÷\nGPU",
    _RATE: "Images/s\n(median ± MAD)",
    _GAIN: "CPU ÷\nGPU",
}


_LAYOUTS = (
    Layout(),
    Layout(gap=2),
    Layout(gap=2, short=True),
    Layout(gap=1, short=True),
    Layout(gap=1, short=True, without=(_BATCH,)),
    Layout(gap=1, short=True, without=(_BATCH, _P95)),
)


def measured(results: Sequence[Result]) -> list[Finished]:
    """Those whose answers were timed."""
    return [each for each in rows.finished(results) if answers_of(each)]


def lines(results: Sequence[Result]) -> Iterator[str]:
    """What each GPU is worth when a network answers, or how fast the CPU does; a line each."""
    told = [each for each in rows.counted(measured(results)) if each.side != "B"]
    alike = [each for each in told if each.way == STOCK] or told
    what = "example" if any(each.file for each in alike) else "image"
    gpus = list(dict.fromkeys(each.device.id for each in alike if each.device.is_gpu))
    for device in gpus:
        own = [each for each in alike if each.device.id == device]
        pairs = [(each, beside) for each in own if (beside := rows.on_cpu(each, alike))]
        yield from _worth(device, pairs, what) if pairs else [_alone(device, own, what)]
    if alike and not gpus:
        yield _alone("the CPU", alike, what)


def _worth(device: str, pairs: Sequence[tuple[Finished, Finished]], what: str) -> Iterator[str]:
    one = {gpu.workload: _one(cpu) / _one(gpu) for gpu, cpu in pairs}
    many = {gpu.workload: _rate(gpu) / _rate(cpu) for gpu, cpu in pairs}
    if len(pairs) == 1:
        ((gpu, cpu),) = pairs
        yield (
            f"Inference: {device} answers one {what} in {shown.seconds(_one(gpu))}, the CPU in "
            f"{shown.seconds(_one(cpu))}: {shown.times(one[gpu.workload])} times as fast; in "
            f"batches {shown.count(_rate(gpu))} {what}s/s against {shown.count(_rate(cpu))}: "
            f"{shown.times(many[gpu.workload])} times"
        )
    else:
        yield (
            f"Inference: {device} answers one {what} {_range(one)} times as fast as the CPU, at "
            f"its best in {_best(one)}; in batches {_range(many)} times as many, at its best in "
            f"{_best(many)}"
        )
    sooner = [workload for workload, ratio in one.items() if ratio < 1]
    slower = [workload for workload, ratio in many.items() if ratio < 1]
    if sooner:
        both = "" if slower else ", and pays in batches alone"
        yield (
            f"One {what} at a time the CPU answers sooner: {device} is not worth it in "
            f"{shown.and_so(sooner)}{both}"
        )
    if slower:
        yield f"In batches, too, the CPU answers more {what}s/s in {shown.and_so(slower)}"


def _alone(device: str, own: Sequence[Finished], what: str) -> str:
    one = [_one(each) for each in own]
    rate = [_rate(each) for each in own]
    took = shown.one_or_range(shown.seconds(min(one)), shown.seconds(max(one)))
    many = shown.one_or_range(shown.count(min(rate)), shown.count(max(rate)))
    return f"Inference: {device} answers one {what} in {took}; in batches {many} {what}s/s"


def details(result: Finished, names: shown.Names) -> Iterator[str]:
    """What only explains."""
    answers = answers_of(result)
    if answers is None:
        return
    one, many = answers.latency, answers.throughput
    slowest = f", 99 of 100 at most {shown.seconds(one.p99)}" if one.p99 else ""
    after = f"of {shown.count(one.calls)} after the warm-up the median {shown.seconds(one.median)}"
    yield (
        f"{names(result)}: inference {answers.verdict.word}, {answers.verdict.evidence}; the first "
        f"answer took {shown.seconds(one.first)} (with compiling), {after}{slowest}; a batch of "
        f"{many.batch} {shown.seconds(many.median)}"
    )


def warnings(told: Sequence[Training], names: shown.Names) -> Iterator[str]:
    """What speaks against these times, alike ones in a line; and which are missing."""
    doubted: dict[tuple[str, str], list[Finished]] = {}
    for each in told:
        if not isinstance(each, Finished) or each.inference is None:
            continue
        answers = each.inference.value
        if answers is None:
            yield f"{names(each)}: inference was not measured: {each.inference.why}"
        elif answers.verdict.fix:
            doubted.setdefault((answers.verdict.word, answers.verdict.fix), []).append(each)
    for (word, fix), results in doubted.items():
        first = _answers(results[0])
        which = f" (in {names(results[0])})" if len(results) > 1 else ""
        who = ", ".join(map(names, results))
        yield f"Inference of {who}: {word}: {first.verdict.evidence}{which}. Fix: {fix}"


def draw(results: Sequence[Result], screen: Screen) -> Table:
    """The table, in the roomiest layout that fits."""
    told = measured(results)
    return screen.first_fitting(_table(told, layout) for layout in _LAYOUTS)


def cells(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """The headings and the rows, as text; none where nothing was measured."""
    told = measured(results)
    own = [dict(_cells(each, told)) for each in told]
    headings, rows = table.as_text(table.what_differs(told), _headings(told), own)
    return [_title(heading, told) for heading in headings], rows


def _headings(told: Sequence[Finished], without: tuple[str, ...] = ()) -> list[str]:
    every = (_ONE, _P95, _RATIO, _BATCH, _RATE, _GAIN, _VERDICT)
    filled = {name for each in told for name, cell in _cells(each, told) if cell}
    return [heading for heading in every if heading in filled and heading not in without]


def _table(told: Sequence[Finished], layout: Layout) -> Table:
    left, headings = table.what_differs(told), _headings(told, layout.without)
    two_lines = _TWO_LINES if layout.short else {}
    titles = {each: _title(two_lines.get(each, each), told) for each in headings}
    right = [title for heading, title in titles.items() if heading != _VERDICT]
    grid = table.grid(layout.gap, (*left, *titles.values()), right)
    for number, each in enumerate(told):
        own = dict(_cells(each, told))
        start = (column[number] for column in left.values())
        grid.add_row(*start, *(own.get(heading, "") for heading in headings))
    return grid


def _title(heading: str, told: Sequence[Finished]) -> str:
    """A heading as it is shown; of one's own they may be anything."""
    own = any(each.file for each in told)
    return (heading.replace("Images", "Examples") if own else heading).strip()


def _cells(result: Finished, told: Sequence[Finished]) -> Iterator[tuple[str, str | Text]]:
    answers = _answers(result)
    one, many, cpu = answers.latency, answers.throughput, rows.on_cpu(result, told)
    yield _ONE, shown.seconds(one.median)
    yield _P95, f"≤ {shown.seconds(one.p95)}" if one.p95 else ""
    yield _BATCH, str(many.batch)
    yield _RATE, f"{shown.count(many.images_per_second)} ± {100 * many.spread / many.median:.0f} %"
    if cpu:
        yield _RATIO, f"{shown.times(_one(cpu) / one.median)}×"
        yield _GAIN, f"{shown.times(many.images_per_second / _rate(cpu))}×"
    yield _VERDICT, Text(answers.verdict.word, table.colour(answers.verdict.word))


def _answers(result: Finished) -> Inference:
    """Those of one of whom they were timed."""
    answers = answers_of(result)
    assert answers is not None
    return answers


def _one(result: Finished) -> float:
    return _answers(result).latency.median


def _rate(result: Finished) -> float:
    return _answers(result).throughput.images_per_second


def _range(gains: Mapping[str, float]) -> str:
    return shown.one_or_range(shown.times(min(gains.values())), shown.times(max(gains.values())))


def _best(gains: Mapping[str, float]) -> str:
    return max(gains, key=gains.__getitem__)
