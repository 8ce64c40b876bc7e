"""A contact sheet of pictures, with what each shows and what a network said of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS, _TILE, _GAP = 6, 132, 8
_LINE, _SIZE = 15, 12  # pixels of a line of text, and of its letters
_GROUND, _INK, _QUIET = 250, 20, 110
_LONGEST = 21  # characters below a tile

# A picture, and lines below it.
Tile = tuple["NDArray[np.uint8]", Sequence[str]]


def png(tiles: Sequence[Tile]) -> bytes:
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
