"""From a picture to the pixels a network takes: one way, for training, testing and predicting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def squash(picture: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resizes an RGB picture to `size` = (height, width): `(height, width, 3) uint8`.

    The aspect ratio is not kept: 640x480 is squashed to 255x255, as in the 2020 post that this
    network comes from; nothing is cut off, and a round particle becomes an upright ellipse.
    The filter is Pillow's bilinear one, whose support grows with the reduction, so that every
    source pixel counts and fine particles do not turn into moiré.
    """
    height, width = size
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.uint8)
