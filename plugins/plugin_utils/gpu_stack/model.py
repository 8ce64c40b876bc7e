"""What goes into the resolver, and what comes out: wishes, matrix, plan, refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GRINDSTONE = "0.1.0"
UV = "uv"  # a plan's base interpreter where the system has none that fits

Facts = dict[str, Any]
Row = dict[str, Any]
Record = dict[str, Any]


class RefusedError(ValueError):
    """No plan fits.  The text is one line: what was found, what was expected, what to do.

    nearest: whether another wish may help, so that the resolver looks for one that does.
    """

    def __init__(self, found: str, expected: str, do: str = "", *, nearest: bool = False) -> None:
        super().__init__(f"found {found}; expected {expected}: {do}")
        self.found, self.expected, self.do, self.nearest = found, expected, do, nearest

    def with_advice(self, advice: str) -> RefusedError:
        """The same refusal, with one more thing to do."""
        parts = [part for part in (self.do, advice) if part] or ["use another host"]
        return RefusedError(self.found, self.expected, ", or ".join(parts))


@dataclass(frozen=True)
class Wishes:
    """What the user asks for.

    prefix: the folder that everything is installed below.
    python: the Python to use, such as "3.12"; "" lets the resolver choose.  "3.1" is 3.10: so YAML
        reads it where it is not quoted.
    tensorflow: the version of TensorFlow, "" for the newest that fits.
    driver: "" lets the resolver choose, "keep" keeps the one that is there, "skip" never looks at
        it, a branch such as "580" pins it.
    driver_origin: where a driver comes from if one has to be installed: "distribution" or "nvidia".
    cuda: "wheels", "system", or "none" for the driver alone with TensorFlow for the CPU.
    reboot: whether the host may be rebooted where the driver needs it.
    """

    prefix: str = "/opt/grindstone"
    python: str = ""
    tensorflow: str = ""
    driver: str = ""
    driver_origin: str = "distribution"
    cuda: str = "wheels"
    reboot: bool = True


@dataclass(frozen=True)
class Matrix:
    """What is known to work, as rows of data, each with its `source`.

    stacks: versions of TensorFlow, CUDA and cuDNN that belong together, the newest first.
    systems: the distributions.
    generations: the GPUs, with the drivers that drive them.
    drivers: the branches that each origin offers, and the names of their packages.
    repositories: NVIDIA's, by system.
    broken: releases that are never installed.
    """

    stacks: list[Row]
    systems: list[Row]
    generations: list[Row]
    drivers: list[Row]
    repositories: list[Row]
    broken: list[Row]


@dataclass(frozen=True)
class Plan:
    """What will be on the host.

    record: what the roles read.  What of it lasts, `lasting`, is what `plan.json` holds: the same
        facts give the same, before and after.
    base: the interpreter that the environment is made with, or "uv" where uv brings it.
    lock: the file of locked requirements.
    seed: the interpreter that uv itself is installed with, "" for the one Ansible runs on.
    packages: the system's packages for Python that are missing.
    changes: what is not as planned yet, a phrase each.
    driver_changes: those of them that the driver's role makes.
    """

    record: Record
    base: str
    lock: str
    seed: str
    packages: list[str]
    changes: list[str]
    driver_changes: list[str]

    @property
    def lasting(self) -> Record:
        """The record without what has only to be done once: the packages that have to go."""
        driver = {key: value for key, value in self.record["driver"].items() if key != "remove"}
        return {**self.record, "driver": driver}


def numbers(version: str) -> list[int]:
    """A version that can be compared."""
    return [int(number) for number in version.split(".") if number.isdigit()]


def listed(names: list[str], word: str) -> str:
    """«a, b and c»."""
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
