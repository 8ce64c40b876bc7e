"""The rows that lie beside the plugins: symptoms, translations and the resolver's matrix."""

from __future__ import annotations

import functools
from pathlib import Path

from .. import row_files
from ..gpu_stack.load import load
from ..typed import decode
from .knowledge import Knowledge
from .normalization import Languages
from .symptoms import Symptom, parse

SYMPTOMS = Path(__file__).parents[3] / "roles/doctor/vars/symptoms"


@functools.cache
def symptoms(folder: str = str(SYMPTOMS)) -> tuple[Symptom, ...]:
    """The rows of a folder, read once."""
    files = sorted(Path(folder).glob("*.yml"))
    return parse({file.name: file.read_text(encoding="utf-8") for file in files})


@functools.cache
def languages(folder: str = str(SYMPTOMS)) -> Languages:
    """What programs say elsewhere, from the file beside the folder; nothing without it."""
    file = Path(folder).parent / "translations.yml"
    if not file.exists():
        return Languages()
    rows = row_files.parsed(file.read_text(encoding="utf-8"))["doctor_translations"]
    return Languages.of(decode(rows, dict[str, tuple[str, ...]], file.name))


@functools.cache
def knowledge() -> Knowledge:
    """The resolver's matrix."""
    return Knowledge(load(row_files.matrix()))
