"""Makes docs/stacks.md from the matrix and the recorded hosts, by `python -m docs.stacks`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plugins.plugin_utils.gpu_stack import Plan
from plugins.plugin_utils.gpu_stack.table import cuda_cell, driver_cell
from tests.unit.plans.recorded import MATRIX, Recorded, hosts, outcome

PAGE = Path(__file__).with_suffix(".md")
Row = dict[str, Any]

_HEAD = """\
# What fits what

Made by `python -m docs.stacks` from `roles/plan/vars/main.yml`, where every row names its source,
and from the hosts recorded in `tests/unit/plans/`. The rule: **the newest stack that takes all GPUs
of the host**, with one driver from one origin. Where nothing fits, `site.yml` stops before it has
changed anything, with one line that says what was found, what was expected and the nearest thing
that works. `ansible-playbook playbooks/plan.yml` shows what it would be on yours.
"""
_WISHES = """\
## What you can ask for

| variable | |
|---|---|
| `plan_tensorflow` | a version, such as `2.19`; empty for the newest that fits |
| `plan_python` | such as `3.12`; empty for the system's, where TensorFlow takes it |
| `plan_driver` | a branch, such as `580`; `keep` what is there; `skip`: do not look at it |
| `plan_driver_origin` | `distribution`, or `nvidia` for NVIDIA's repository |
| `plan_cuda` | `wheels`, `system` for NVIDIA's repository, `none` for TensorFlow on the CPU |
| `plan_reboot` | `false`: never |
"""
_DRIVER = """\
A driver that works stays, whoever installed it: the loaded module and the libraries are of one
version, its branch and its module drive every GPU, and CUDA takes it. One that does not fit is
replaced within its origin. What a `.run` file or a PPA has installed is not touched: the refusal
has the command that removes it. Where a branch is installed and still fits, it is not upgraded.

The driver's packages are put on hold. Where the distribution compiles the module for each kernel,
the kernel's own package is held with them: a newer kernel would boot without a module.
`apt-mark unhold` them to upgrade both.
"""


def page() -> str:
    """The whole text."""
    parts = [
        _HEAD,
        "## Stacks, the newest first\n",
        _stacks(),
        "## GPUs\n",
        _generations(),
        "## Drivers\n",
        _DRIVER,
        _drivers(),
        _WISHES,
        "## What comes of it\n",
        f"{len(hosts())} hosts, each a row of `tests/unit/plans/hosts.yml` and a test.\n",
        _hosts(),
    ]
    return "\n".join(parts)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _stacks() -> str:
    rows = []
    for row in MATRIX.stacks:
        cuda = row.get("cuda", "")
        rows.append(
            [
                f"`{row['name']}`" + (", when asked for" if row.get("pinned") else ""),
                row["tensorflow"],
                " to ".join(row["capabilities"]) or "CPU",
                cuda or "none",
                f"{row['cudnn_installed']} (built with {row['cudnn']})" if cuda else "none",
                f"from {row['driver']}" if cuda else "none",
                f"{row['pythons'][0]} to {row['pythons'][-1]}",
                ", ".join(row["architectures"]),
            ]
        )
    heads = ["stack", "TensorFlow", "compute capability", "CUDA", "cuDNN", "driver", "Python", "on"]
    return _table(heads, rows)


def _generations() -> str:
    rows = [
        [
            row["name"],
            " or ".join(row["modules"]),
            row["first"] or "any",
            row["last"] or "the newest",
        ]
        for row in MATRIX.generations
    ]
    return _table(["generation", "kernel module", "first branch", "last branch"], rows)


def _drivers() -> str:
    rows = []
    for row in MATRIX.drivers:
        compiled = row.get("precompiled_kernels", [])
        rows.append(
            [
                f"{row['system'].capitalize()} {', '.join(row['versions'])}".strip(),
                "NVIDIA's repository" if row["origin"] == "nvidia" else "the distribution",
                ", ".join(f"{branch} ({module})" for branch, module in row["branches"].items()),
                f"compiled for {', '.join(compiled)}; else by DKMS" if compiled else "by DKMS",
            ]
        )
    return _table(["system", "from", "branch (module preferred)", "module"], rows)


def _hosts() -> str:
    rows = [_host(host, outcome(host)) for host in hosts()]
    return _table(["host", "asked for", "stack", "driver", "CUDA"], rows)


def _host(host: Recorded, came: Plan | str) -> list[str]:
    asked = ", ".join(f"`plan_{key}={str(value).lower()}`" for key, value in host.asked.items())
    if isinstance(came, str):
        return [host.name, asked, f"**refused**: {came}", "", ""]
    record = came.record
    return [host.name, asked, f"`{record['stack']}`", driver_cell(record), cuda_cell(record)]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
