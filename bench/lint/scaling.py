"""What brings data to a common scale by statistics: scikit-learn's scalers, and a mean by hand.

`Data.fitted` marks whose statistics those are.
"""

from __future__ import annotations

from dataclasses import replace

from bench.lint.names import words
from bench.lint.program import Program
from bench.lint.values import Call, Data, Instance, Value, examples

SCALERS = words("StandardScaler MinMaxScaler MaxAbsScaler RobustScaler PowerTransformer")
# What `Data.source` says of a mean over examples.
MEAN = "mean"


def by_scaler(program: Program, scaler: Instance, method: str, call: Call) -> Value | None:
    """What a scaler's method makes; None of another one."""
    data = examples(call.value(at=0))
    if data is None:
        return None
    if method in ("fit", "fit_transform"):
        program.scalers[scaler] = data.rows
    if method == "fit":
        return scaler
    if method in ("transform", "fit_transform"):
        return replace(data, pixels=None, fitted=program.scalers.get(scaler))
    return replace(data, pixels=None, fitted=None) if method == "inverse_transform" else None


def mean(data: Data, call: Call) -> Data | None:
    """A mean over examples; None where it is one of each."""
    axis = call.said("axis")
    first = axis[0] if isinstance(axis, tuple) and axis else axis
    return Data(rows=data.rows, source=MEAN, loops=data.loops) if first in (None, 0) else None


def without_mean(data: Data, by: Data) -> Data:
    """Examples, less a mean."""
    return replace(data, pixels=None, fitted=by.rows)
