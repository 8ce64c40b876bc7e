"""The plan that provisioning left on this host: where both halves meet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.errors import GrindstoneError

PATH = Path("/etc/grindstone/plan.json")


class _TensorFlow(msgspec.Struct, frozen=True):
    version: str
    interpreter: str


class _File(msgspec.Struct, frozen=True):
    """What is read of the file; it holds much more."""

    stack: str
    tensorflow: _TensorFlow


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
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GrindstoneError(
            f"{path} is not a Grindstone plan file ({error}); run `./run site` to write it anew"
        ) from error
    return Plan(path, file.stack, file.tensorflow.version, Path(file.tensorflow.interpreter))
