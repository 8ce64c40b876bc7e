"""The rows that lie beside the plugins: symptoms, translations and the resolver's matrix."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

from ..gpu_stack.load import load
from ..typed import decode
from .knowledge import Knowledge
from .normal import Languages
from .symptoms import Symptom, parse

ROLES = Path(__file__).parents[3] / "roles"
SYMPTOMS = ROLES / "doctor/vars/symptoms"


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
    rows = _yaml(file)["doctor_translations"]
    return Languages.of(decode(rows, dict[str, tuple[str, ...]], file.name))


@functools.cache
def knowledge() -> Knowledge:
    """The resolver's matrix."""
    told: dict[str, Any] = {}
    for path in sorted((ROLES / "plan/vars/main").glob("*.yml")):
        told |= _yaml(path)
    return Knowledge(load({name: told[f"plan_{name}"] for name in told["plan_matrix"]}))


def _yaml(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return told
