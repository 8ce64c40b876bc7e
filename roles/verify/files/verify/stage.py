"""What a stage is, and the words that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

Plan = dict[str, Any]


class StageError(Exception):
    """A stage failed, and knows why: `advice` says what to do."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.advice = advice


class Stage(NamedTuple):
    """name: for the reader; check: returns what it found, or raises; advice: what to do then."""

    name: str
    check: Callable[[Plan], str]
    advice: str


class Result(NamedTuple):
    """What came of a stage: its state, what was found, and where it failed what to do."""

    state: str
    found: str
    advice: str = ""


def compiled(plan: Plan) -> str:
    """The chips that the driver compiles TensorFlow's kernels for, once; "" for none."""
    return str(plan.get("tensorflow", {}).get("compiled", ""))


AGAIN = "run site.yml again; if it stays so, remove the environment's folder and run it once more"
HARDWARE = "wrong arithmetic: test the memory and the processor, and undo any overclocking"
GPU_HARDWARE = "wrong arithmetic: undo the GPU's overclocking, and look for Xid in dmesg"


def planned_gpus(plan: Plan) -> list[dict[str, Any]]:
    """The GPUs that TensorFlow is to use."""
    return [gpu for gpu in plan.get("gpus", []) if gpu.get("used", True)]


def read(path: Path) -> str:
    """The file's text, "" where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
