"""The artifacts of a run, beside its record: its films and its saved networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from bench.record.measured import Count, Number, Part, Sha256, Text


class Film(Part, frozen=True, kw_only=True):
    """What a network saw while it learned, as an animated picture.

    file: its name, beside the record.
    steps: after how many steps each of its frames was taken.
    """

    file: Text
    steps: Annotated[tuple[Count, ...], Meta(min_length=1)]


class Saved(Part, frozen=True, kw_only=True):
    """The trained network, in Keras' own format.

    file: its name, in the folder beside the record that is named after it, with `-models`.
    sha256: of its content.
    bytes: its size.
    """

    file: Text
    sha256: Sha256
    bytes: Number


def models(record: Path) -> Path:
    """The folder with the networks of a run, by the file of its record."""
    return record.with_name(f"{record.stem}-models")
