"""What all types of the record share: how they are declared, and what their members may be.

They are msgspec's structs: it decodes, validates and encodes them in one step, tells results apart
by their status, refuses members that it does not know and makes the JSON schema.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]
Amount = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(min_length=1)]
Line = Annotated[str, Meta(pattern=r"^[^\n]+$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the record.  Nothing changes it, and nothing beside its fields is taken."""


def finite(value: float) -> float | None:
    """The value; None for NaN and the infinities, which JSON does not have."""
    return value if math.isfinite(value) else None
