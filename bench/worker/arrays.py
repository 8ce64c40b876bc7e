"""The data as the worker holds them, and the judge of what was learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.workloads.workload import Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Arrays:
    """Images as the network takes them, and their targets.

    x: `(n, height, width, channels)`, float32 where the workload scales them, else uint8.
    y: `(n,) int64` classes or `(n,) float32` seconds.
    """

    x: NDArray[Any]
    y: NDArray[Any]

    @classmethod
    def load(cls, files: dict[str, str], workload: Workload) -> Arrays:
        """Reads a split that `bench.datasets.prepared` laid out."""
        import numpy as np

        x = np.load(files["x"])
        if workload.scale is not None:
            x = x.astype("float32") * np.float32(workload.scale)
        return cls(x, np.load(files["y"]))


@dataclass(frozen=True)
class Quality:
    """Judges a model on the test split, with NumPy rather than the metric it was trained with."""

    workload: Workload
    test: Arrays

    def __call__(self, model: Any) -> float:
        """The accuracy (0 to 1) or the MSE (in s²)."""
        import numpy as np

        batch = 16 * self.workload.batch if self.workload.metric == "accuracy" else 16
        predicted: NDArray[np.float32] = model.predict(self.test.x, batch_size=batch, verbose=0)
        if self.workload.metric == "accuracy":
            return float(np.mean(predicted.argmax(axis=1) == self.test.y))
        return float(np.mean(np.square(predicted[:, 0].astype("float64") - self.test.y)))
