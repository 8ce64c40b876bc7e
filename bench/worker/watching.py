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
        self._seen: Any = None

    def take(self, keras: Any, model: Any, step: int) -> None:
        """Takes a frame of a model after so many steps."""
        import numpy as np

        if self._seen is None:
            there = {layer.name: layer for layer in model.layers}  # a smaller one has fewer
            self._layers = tuple(name for name in self._layers if name in there)
            outputs = [there[name].output for name in self._layers]
            self._seen = keras.Model(model.inputs[0], [*outputs, model.layers[-1].output])
        *features, output = self._seen(self._image, training=False)
        weights = next(layer.kernel for layer in model.layers if hasattr(layer, "kernel"))
        arrays = dict(zip(self._layers, (np.asarray(each)[0] for each in features), strict=True))
        kernels = np.asarray(weights)
        np.savez(
            self._folder / f"{step:08}.npz",
            allow_pickle=False,
            input=np.asarray(self._image)[0],
            output=np.asarray(output)[0],
            weights=kernels.reshape(*kernels.shape[:2], -1),
            **arrays,
        )
