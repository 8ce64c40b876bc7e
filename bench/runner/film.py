"""Joins the frames that a worker took of a network that learns: an animated GIF, or nothing.

A frame shows the image, the output, each watched layer's features as a grid, and the weights of the
first layer.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.datasets import cache
from bench.errors import CacheError
from bench.record.artifacts import Film
from bench.record.repeats import Repeat
from bench.runner.row import Row
from bench.workloads.workload import Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

WIDTH = 608
_TITLE = 16  # pixels above each panel
_GAP = 4
_MAPS, _KERNELS = 8, 16  # in a row
_FRAME_MS, _LAST_MS = 150, 2_000
_IN_A_STRIP = 6


def folder(row: Row, scratch: Path) -> str:
    """A folder for the frames of a row; "" where nobody can watch: only `fit` on TensorFlow."""
    workload = row.workload
    if not (isinstance(workload, Workload) and workload.watched):
        return ""
    if row.mode != "stock" or row.way.variant.backend:
        return ""
    return tempfile.mkdtemp(prefix="frames-", dir=scratch)


def of(row: Row, repeat: Repeat, record: Path, frames: str) -> Film | None:
    """The film of a training that was watched, beside its record; None where there is none.

    A folder that takes no film has no room for the record either, which says so itself.
    """
    if not frames:
        return None
    words = f"{record.stem}-{row.workload.name}-{row.device.id}{row.way.id}{repeat.suffix}"
    target = record.with_name(re.sub(r"[^A-Za-z0-9_.-]+", "_", words) + ".gif")
    with contextlib.suppress(CacheError):
        return join(Path(frames), target, row.published.watched)
    return None


def join(frames: Path, target: Path, layers: Sequence[str]) -> Film | None:
    """Joins the frames in a folder; None where there are none.

    layers: those of which the network has these; a smaller one has fewer.

    Raises:
        CacheError: the film cannot be written.
    """
    import numpy as np

    taken = sorted(frames.glob("*.npz"))
    if not taken:
        return None
    pictures = []
    for path in taken:
        with np.load(path, allow_pickle=False) as arrays:
            pictures.append(_picture(int(path.stem), dict(arrays), layers))
    first, *rest = pictures
    durations = [_FRAME_MS] * len(rest) + [_LAST_MS]
    with cache.replacing(target) as file:
        first.save(file, "GIF", save_all=True, append_images=rest, duration=durations, loop=0)
    return Film(file=target.name, steps=tuple(int(path.stem) for path in taken))


def strip(film: Path) -> tuple[Image.Image, list[int]]:
    """The outputs of some frames of a film, side by side, and which frames they are.

    Raises:
        OSError: it is no whole film.
    """
    from PIL import Image

    with Image.open(film, formats=["GIF"]) as opened:
        last = getattr(opened, "n_frames", 1) - 1
        chosen = sorted({round(last * part / (_IN_A_STRIP - 1)) for part in range(_IN_A_STRIP)})
        shown = []
        for number in chosen:
            opened.seek(number)
            panel = opened.convert("L").crop((WIDTH // 2, _TITLE, WIDTH, _TITLE + _top(opened)))
            shown.append(panel.resize((panel.width // 2, panel.height // 2)))
    made = Image.new("L", (sum(each.width for each in shown), shown[0].height))
    for number, each in enumerate(shown):
        made.paste(each, (number * each.width, 0))
    return made, chosen


def _top(picture: Image.Image) -> int:
    """The height of the panels in the first row, which the file's comment tells."""
    told = picture.info.get("comment", b"")
    found = re.fullmatch(rb"first row: (\d{1,4})", told if isinstance(told, bytes) else b"")
    if found is None:
        raise OSError("it is no film of a training")
    return int(found[1])


def _picture(step: int, arrays: Mapping[str, NDArray[Any]], layers: Sequence[str]) -> Image.Image:
    """A frame: panels below each other, each with its title."""
    from PIL import Image, ImageDraw

    pair = [_scaled(arrays[each], WIDTH // 2 - _GAP, 0.0, 1.0) for each in ("input", "output")]
    top = pair[0].height
    panels = [(layer, _grid(arrays[layer], _MAPS)) for layer in layers if layer in arrays]
    panels.append(("weights of the first layer", _grid(arrays["weights"], _KERNELS)))
    height = top + _TITLE + sum(panel.height + _TITLE for _, panel in panels)
    made = Image.new("L", (WIDTH, height), 24)
    draw = ImageDraw.Draw(made)
    draw.text((2, 2), "image", fill=220)
    draw.text((WIDTH // 2 + 2, 2), f"output after {step} steps", fill=220)
    made.paste(pair[0], (0, _TITLE))
    made.paste(pair[1], (WIDTH // 2, _TITLE))
    at = top + _TITLE
    for title, panel in panels:
        draw.text((2, at + 2), title, fill=220)
        made.paste(panel, (0, at + _TITLE))
        at += panel.height + _TITLE
    made.info["comment"] = f"first row: {top}".encode()
    return made


def _grid(maps: NDArray[Any], columns: int) -> Image.Image:
    """`(height, width, maps)` as a grid, all on one scale of grey from the least to the most."""
    from PIL import Image

    count = maps.shape[-1]
    columns = min(columns, count)
    width = WIDTH // columns - _GAP
    tiles = [
        _scaled(maps[..., number], width, float(maps.min()), float(maps.max()))
        for number in range(count)
    ]
    high = tiles[0].height + _GAP
    made = Image.new("L", (WIDTH, -(-count // columns) * high), 24)
    for number, tile in enumerate(tiles):
        made.paste(tile, (number % columns * (WIDTH // columns), number // columns * high))
    return made


def _scaled(values: NDArray[Any], width: int, least: float, most: float) -> Image.Image:
    """An array as a grey picture so wide, whose least value is black and whose most is white."""
    import numpy as np
    from PIL import Image

    flat: NDArray[np.float64] = np.asarray(values, dtype=np.float64).reshape(values.shape[:2])
    with np.errstate(invalid="ignore", over="ignore"):  # of a training that diverged
        flat = (flat - least) / ((most - least) or 1.0)
    flat = np.nan_to_num(flat, nan=0.0, posinf=1.0, neginf=0.0)
    picture = Image.fromarray((flat.clip(0, 1) * 255).astype(np.uint8))
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.NEAREST)
