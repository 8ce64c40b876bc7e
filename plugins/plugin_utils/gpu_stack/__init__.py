"""The resolver: facts + options + matrix -> a plan or a refusal.  Nothing is read or run."""

from __future__ import annotations

from .block import describe
from .load import load
from .matrix import Matrix
from .options import Options, RefusedError
from .plan import UV, Plan, Record
from .resolve import resolve
from .table import row, table

__all__ = [
    "UV",
    "Matrix",
    "Options",
    "Plan",
    "Record",
    "RefusedError",
    "describe",
    "load",
    "resolve",
    "row",
    "table",
]
