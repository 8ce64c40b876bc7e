"""Facts + wishes + matrix -> a plan or a refusal.  Pure functions: nothing is read or run.

The facts are the module gpu_facts' `found`, the wishes are the role plan's inputs, and the matrix
is that role's `vars/main.yml`.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

GRINDSTONE = "0.1.0"
UV = "uv"  # a plan's base interpreter where the system has none that fits

Facts = dict[str, Any]
Row = dict[str, Any]


class RefusedError(ValueError):
    """No plan fits.  The text is one line: what was found, what was expected, what to do."""


@dataclass(frozen=True)
class Wishes:
    """What the user asks for.

    prefix: the folder that everything is installed below.
    python: the Python to use, such as "3.12"; "" lets the resolver choose.  "3.1" is 3.10: so YAML
        reads it where it is not quoted.
    """

    prefix: str = "/opt/grindstone"
    python: str = ""


@dataclass(frozen=True)
class Matrix:
    """What is known to work, as rows of data, each with its `source`."""

    stacks: list[Row]
    systems: list[Row]


@dataclass(frozen=True)
class Plan:
    """What will be on the host.

    record: what `plan.json` holds; the same facts give the same record, before and after.
    base: the interpreter that the environment is made with, or "uv" where uv brings it.
    lock: the file of locked requirements.
    seed: the interpreter that uv itself is installed with, "" for the one Ansible runs on.
    packages: the system's packages that are missing.
    changes: what is not as planned yet, a phrase each.
    """

    record: dict[str, Any]
    base: str
    lock: str
    seed: str
    packages: list[str]
    changes: list[str]


def resolve(found: Facts, wishes: Wishes, matrix: Matrix) -> Plan:
    """The newest stack that fits the host and the wishes.

    Raises:
        RefusedError: none does.
    """
    if not wishes.prefix.startswith("/"):
        raise RefusedError(
            f"plan_prefix is «{wishes.prefix}»; it has to be an absolute path, such as "
            f"{Wishes.prefix}: name one that starts with /"
        )
    system = _system(found, matrix)
    stack = matrix.stacks[0]
    _must_have_wheels(found, stack)
    version, base, reason = _interpreter(found, wishes, stack, system)
    folder = f"{wishes.prefix.rstrip('/')}/tensorflow"
    changes = _changes(found, stack, version, base, folder)
    if changes:
        _must_have_room(found, wishes, stack)
    seed = _default(found)
    lacks_pip = seed is not None and not seed["ensurepip"]
    packages = [system["venv_package"]] if lacks_pip and system["venv_package"] else []
    record = {
        "schema": 1,
        "grindstone": GRINDSTONE,
        "stack": stack["name"],
        "host": {
            "distribution": f"{system['name']} {found['distribution']['version']}".strip(),
            "architecture": found["architecture"],
            "kernel": found["kernel"],
        },
        "gpus": found["gpus"],
        "driver": {"action": "none", "reason": _no_gpu_part(found, "the driver")},
        "cuda": {"action": "none", "reason": _no_gpu_part(found, "CUDA")},
        "tensorflow": {
            "version": stack["tensorflow"],
            "python": version,
            "prefix": folder,
            "interpreter": f"{folder}/bin/python",
            "reason": reason,
        },
    }
    return Plan(
        record=record,
        base=base,
        lock=stack["lock"],
        seed=seed["path"] if seed else "",
        packages=packages,
        changes=[f"install the package {name}" for name in packages] + changes,
    )


def describe(plan: Plan, found: Facts, host: str) -> str:
    """The plan as a block of text, at most 88 columns wide."""
    record = plan.record
    tensorflow = record["tensorflow"]
    system = record["host"]
    where = ", under WSL2" if found["wsl"] else ""
    where += f", in a container ({found['container']})" if found["container"] else ""
    base = "brought by uv" if plan.base == UV else plan.base
    rows = [
        (
            "system",
            f"{system['distribution']}, {system['architecture']}, kernel {system['kernel']}{where}",
        ),
        *_gpu_rows(record),
        ("TensorFlow", f"{tensorflow['version']} for the CPU, in {tensorflow['prefix']}"),
        ("Python", f"{tensorflow['python']}, {base}: {tensorflow['reason']}"),
    ]
    if plan.changes:
        rows += [("will change", plan.changes[0]), *(("", change) for change in plan.changes[1:])]
    else:
        rows += [("will change", "nothing: TensorFlow is there already")]
    lines = [f"Plan for {host}: {record['stack']}"]
    for label, value in rows:
        lines += textwrap.wrap(
            value,
            width=88,
            initial_indent=f"  {label:<13}",
            subsequent_indent=" " * 15,
            break_on_hyphens=False,
            break_long_words=False,
        )
    return "\n".join(lines)


def _gpu_rows(record: dict[str, Any]) -> list[tuple[str, str]]:
    gpus = record["gpus"]
    if not gpus:
        return [("GPU", "no NVIDIA GPU found: driver and CUDA are not needed here")]
    names = ", ".join(f"NVIDIA {gpu['device']} at {gpu['address']}" for gpu in gpus)
    return [
        ("GPU", names),
        ("driver", record["driver"]["reason"]),
        ("CUDA", record["cuda"]["reason"]),
    ]


def _no_gpu_part(found: Facts, part: str) -> str:
    if found["gpus"]:
        return (
            f"Grindstone {GRINDSTONE} does not install {part} yet: what is there stays as it is, "
            "and TensorFlow runs on the CPU"
        )
    return "no NVIDIA GPU found"


def _system(found: Facts, matrix: Matrix) -> Row:
    here = found["distribution"]
    for system in matrix.systems:
        versions = system["versions"] or [here["version"]]
        if system["id"] == here["id"] and here["version"] in versions:
            return system
    known = [f"{row['name']} {_listed(row['versions'], 'or')}".strip() for row in matrix.systems]
    raise RefusedError(
        f"found {here['name']} {here['version']}".rstrip()
        + f"; Grindstone knows {_listed(known, 'and')}: use one of these, or a container of one"
    )


def _must_have_wheels(found: Facts, stack: Row) -> None:
    tensorflow = f"TensorFlow {stack['tensorflow']}"
    if found["architecture"] not in stack["architectures"]:
        raise RefusedError(
            f"found the architecture {found['architecture']}; {tensorflow} is built for "
            f"{_listed(stack['architectures'], 'and')}: use a machine of these"
        )
    if not found["glibc"] or _numbers(found["glibc"]) < _numbers(stack["glibc"]):
        raise RefusedError(
            f"found {'glibc ' + found['glibc'] if found['glibc'] else 'no glibc'}; {tensorflow} "
            f"needs glibc {stack['glibc']} or newer: use a newer system"
        )


def _must_have_room(found: Facts, wishes: Wishes, stack: Row) -> None:
    if found["free_mb"] < stack["disk_mb"]:
        raise RefusedError(
            f"found {found['free_mb'] / 1000:.1f} GB free for {wishes.prefix}; TensorFlow needs "
            f"{stack['disk_mb'] / 1000:.1f} GB: free some, or set plan_prefix to a folder on a "
            "larger disk"
        )


def _interpreter(found: Facts, wishes: Wishes, stack: Row, system: Row) -> tuple[str, str, str]:
    """The Python's version, the interpreter to make the environment with, and why that one."""
    taken = stack["pythons"]
    span = f"{taken[0]} to {taken[-1]}"
    asked = "3.10" if wishes.python == "3.1" else wishes.python
    if asked and asked not in taken:
        raise RefusedError(
            f"plan_python asks for Python {wishes.python}; TensorFlow {stack['tensorflow']} takes "
            f"{span}: ask for one of these, or leave plan_python empty"
        )
    wanted = [asked] if asked else taken
    fitting = [
        python for python in found["pythons"] if python["version"] in wanted and python["whole"]
    ]
    default = _default(found)
    chosen = default if default in fitting else (fitting or [None])[-1]
    version, base = (chosen["version"], chosen["path"]) if chosen else (wanted[-1], UV)
    if wishes.python:
        return version, base, "as plan_python asks"
    if chosen and chosen == default:
        return version, base, f"{system['name']}'s own python3, in TensorFlow's range {span}"
    if not default:
        return version, base, "there is no python3"
    whole = "" if default["whole"] else " without its whole standard library"
    return version, base, f"python3 is {default['version']}{whole}; TensorFlow takes {span}"


def _default(found: Facts) -> Facts | None:
    """The interpreter that `python3` means."""
    return next((python for python in found["pythons"] if python["default"]), None)


def _changes(found: Facts, stack: Row, version: str, base: str, folder: str) -> list[str]:
    there = found["environment"]
    if there == {"python": version, "tensorflow": stack["tensorflow"]}:
        return []
    bring = [f"install Python {version} by uv"] if base == UV else []
    if not there["tensorflow"]:
        return [*bring, f"make {folder}: 2.1 GB, of which 0.7 GB are downloaded"]
    old = f"Python {there['python'] or 'no longer there'}, TensorFlow {there['tensorflow']}"
    return [*bring, f"replace {folder}, which holds {old}"]


def _listed(names: list[str], word: str) -> str:
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]
