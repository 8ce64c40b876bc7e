"""The plan that provisioning left on this host: where both halves meet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench.errors import GrindstoneError

PATH = Path("/etc/grindstone/plan.json")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the benchmark needs to know of it.

    stack: the name of the resolved stack.
    tensorflow: its version.
    interpreter: the Python that has TensorFlow.
    """

    path: Path
    stack: str
    tensorflow: str
    interpreter: Path

    def __str__(self) -> str:
        return f"{self.path}: stack {self.stack}, TensorFlow {self.tensorflow}"


def read(path: Path = PATH) -> Plan | None:
    """The plan of this host, or None where provisioning has not been.

    Raises:
        GrindstoneError: there is a file, and it is no plan.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GrindstoneError(f"{path} cannot be read: {error.strerror}") from error
    try:
        plan = json.loads(text)
        tensorflow = plan["tensorflow"]
        return Plan(path, plan["stack"], tensorflow["version"], Path(tensorflow["interpreter"]))
    except (ValueError, KeyError, TypeError) as error:
        raise GrindstoneError(
            f"{path} is no plan of Grindstone's ({type(error).__name__}: {error}); "
            "run `./run site` to write it anew"
        ) from error
