"""The resolver: facts + wishes + matrix -> a plan or a refusal.  Nothing is read or run."""

from __future__ import annotations

from .block import describe
from .model import UV, Matrix, Plan, RefusedError, Wishes
from .resolve import resolve
from .table import row, table

__all__ = ["UV", "Matrix", "Plan", "RefusedError", "Wishes", "describe", "resolve", "row", "table"]
