"""The page of an evaluation: figures, plots, and the pictures that the network was furthest off."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.page import films, plots
from bench.page.content import Run, Table, Workload
from bench.page.plots import Plot, Points
from bench.predict.report import NOT_TRAINED_ON, TRAINED_ON, EvaluationReport
from bench.report import format as shown

if TYPE_CHECKING:
    from bench.predict.evaluation import Evaluated

_WORST = 24
_MOST_CLASSES = 26  # of a table that can be read
_MOST_POINTS = 1500  # of a plot that a browser draws at once
# The sheet of the worst, in pixels.
_COLUMNS, _TILE, _GAP = 6, 132, 8
_LINE, _SIZE = 15, 12  # pixels of a line of text, and of its letters
_GROUND, _INK, _QUIET = 250, 20, 110
_LONGEST = 21  # characters below a tile

# A picture, and lines below it.
Tile = tuple[NDArray[np.uint8], Sequence[str]]


def of(made: Evaluated) -> Run:
    """What its page tells."""
    report, network = EvaluationReport(made), made.network
    headings, cells = report.table()
    tables = [Table("How well it predicts, beside what takes no network.", headings, tuple(cells))]
    tables += _confusion(report)
    on = network.description
    plotted = (*_scatter(report), _worst(report))
    sentences = [f"Data: {made.examples.note}.", *filter(None, [report.confused()])]
    return Run(
        title=f"{network.name}: {on.workload}, seed {on.seed}, trained on {on.dataset.note}",
        verdict=(report.headline(),),
        warnings=tuple(report.warnings()),
        workloads=(Workload(on.workload, tuple(sentences), plotted, tuple(tables)),),
    )


def _confusion(report: EvaluationReport) -> Iterator[Table]:
    """A row for what is shown, a column for what was said."""
    if not 1 < len(report.labels) <= _MOST_CLASSES:
        return
    counts = report.classes(report.counting).confusion
    rows = [
        (label, *(str(count) if count else "" for count in row))
        for label, row in zip(report.labels, counts.tolist(), strict=True)
    ]
    caption = "What the pictures show, a row each, and what the network says, a column each."
    yield Table(caption, ("Shown", *report.labels), tuple(rows))


def _scatter(report: EvaluationReport) -> Iterator[Plot]:
    """Predicted against actual, with where all should lie, and the mean predictor."""
    if report.labels:
        return
    made = report.made
    series, drawn = [], 0
    for name, part in report.parts:
        step = -(-len(part) // _MOST_POINTS)
        some = part[::step]
        drawn += len(some)
        at = zip(made.examples.y[some].tolist(), made.said[some, 0].tolist(), strict=True)
        series.append(Points(name, list(at)))
    ends = float(made.examples.y.min()), float(made.examples.y.max())
    series.append(Points("predicted as it is", [(end, end) for end in ends], marks=False))
    if report.mean is not None:
        name = f"always {report.mean:.1f} s, the training mean"
        series.append(Points(name, [(end, report.mean) for end in ends], marks=False))
    reached = report.seconds(report.counting)
    which = report.parts[0][0]
    sentence = f"A dot is a picture; the nearer to the line, the better. Those {which}: "
    if which not in (NOT_TRAINED_ON, TRAINED_ON):
        sentence = "A dot is a picture; the nearer to the line, the better. "
    sentence += f"MSE {shown.quality('mse', reached.mse)}"
    sentence += f", r² {reached.r2:.2f}" if reached.r2 is not None else ""
    sentence += f"; {drawn:,} of {len(made.examples):,} are drawn" * (drawn < len(made.examples))
    title = f"{made.network.name}: predicted against actual"
    yield plots.scatter(title, f"{sentence}.", ("actual pull time, s", "predicted, s"), series)


def _worst(report: EvaluationReport) -> Plot:
    order = report.worst(_WORST)
    tiles = []
    for number in order:
        name, actual, said = report.one(number)
        pixels = np.asarray(report.made.examples.x[number])
        tiles.append((pixels, (f"{actual}, said {said}", Path(name).stem)))
    name, actual, said = report.one(order[0])
    return Plot(
        f"{report.made.network.name}: furthest off",
        f"The {len(order)} pictures that it was furthest off, the worst first: {name} is {actual}, "
        f"and the network says {said}. Are they labelled right, sharp and of the right thing?",
        films.image("png", sheet(tiles)),
    )


def sheet(tiles: Sequence[Tile]) -> bytes:
    """The tiles, left to right and top to bottom, as a PNG."""
    from PIL import Image, ImageDraw, ImageFont

    columns = min(_COLUMNS, len(tiles))
    pictures = [_scaled(pixels) for pixels, _ in tiles]
    high = max(each.height for each in pictures)
    lines = max(len(words) for _, words in tiles)
    cell = _TILE + _GAP, high + lines * _LINE + 2 * _GAP
    rows = -(-len(tiles) // columns)
    made = Image.new("RGB", (columns * cell[0] + _GAP, rows * cell[1] + _GAP), (_GROUND,) * 3)
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(_SIZE)
    for number, (picture, (_, words)) in enumerate(zip(pictures, tiles, strict=True)):
        left = _GAP + number % columns * cell[0]
        top = _GAP + number // columns * cell[1]
        made.paste(picture, (left, top))
        for line, text in enumerate(words):
            ink = (_INK if line < len(words) - 1 else _QUIET,) * 3
            at = left, top + high + 2 + line * _LINE
            draw.text(at, _short(text), fill=ink, font=font)
    packed = io.BytesIO()
    made.save(packed, "PNG")
    return packed.getvalue()


def _scaled(pixels: NDArray[np.uint8]) -> Any:
    """A picture as wide as a tile: a small one in whole pixels, a large one made smaller."""
    from PIL import Image

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    high = max(1, round(picture.height * _TILE / picture.width))
    small = picture.width <= _TILE // 2
    how = Image.Resampling.NEAREST if small else Image.Resampling.BILINEAR
    return picture.resize((_TILE, high), how)


def _short(text: str) -> str:
    """Its end, which tells files apart, in characters that the font has."""
    plain = text.encode("latin-1", "replace").decode("latin-1")
    return plain if len(plain) <= _LONGEST else f"...{plain[3 - _LONGEST :]}"
