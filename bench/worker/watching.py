"""Watches a network learn: what its layers make of one image, every so many steps.

The clock stands still while a frame is taken (bench.worker.stock), and the parent joins the frames
(bench.runner.film): here they are arrays in files, which NumPy alone writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# A film of so many frames shows how it learned, and is a few megabytes.
FRAMES = 40


class Watch:
    """Takes the frames of one training.

    folder: for a file a frame, named by its step.
    steps: of the whole training, as many calls as `fit` makes.
    image: that is looked at, a batch of one.
    layers: whose features are taken.
    """

    def __init__(self, folder: str, steps: int, image: Any, layers: tuple[str, ...]) -> None:
        self._folder = Path(folder)
        self._image = image
        self._layers = layers
        self.every = max(1, steps // FRAMES)

    def take(self, model: Any, step: int) -> None:
        """Takes a frame of a stack of layers after so many steps."""
        import numpy as np

        features, seen = {}, self._image
        # One by one: a layer's own `output` is another stack's where a design put layers beside it.
        for layer in model.layers:
            seen = layer(seen, training=False)
            if layer.name in self._layers:  # a smaller network has fewer
                features[layer.name] = np.asarray(seen)[0]
        weights = next(layer.kernel for layer in model.layers if hasattr(layer, "kernel"))
        kernels = np.asarray(weights)
        np.savez(
            self._folder / f"{step:08}.npz",
            allow_pickle=False,
            input=np.asarray(self._image)[0],
            output=np.asarray(seen)[0],
            weights=kernels.reshape(*kernels.shape[:2], -1),
            **features,
        )
