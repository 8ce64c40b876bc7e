# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds Grindstone's files on this host, and who uses them.  Nothing is changed.

Only what Grindstone can tell to be its own is named: the prefix may be a folder that others use.
"""

from __future__ import annotations

DOCUMENTATION = """
module: own_files_info
short_description: Lists the files that Grindstone has made on a host
description:
  - Names the folders below the prefix and the system's that Grindstone has made, its ledgers, and
    the processes that use any of it.
  - So it does below every other prefix that is remembered on the host.
  - It changes nothing, in check mode or not.
author: The Grindstone authors (@grindstone)
options:
  prefix:
    description: The folder that everything is installed below.
    type: path
    default: /opt/grindstone
  sysroot:
    description: The folder to take for the root of the host.
    type: path
    default: /
"""

EXAMPLES = """
- name: Find Grindstone's files
  grindstone.grindstone.own_files_info:
    prefix: /opt/grindstone
  register: remove_found
"""

RETURN = """
paths:
  description: What is Grindstone's, in the order to remove it in.
  returned: always
  type: list
  elements: str
stays:
  description: What else is in the prefixes.
  returned: always
  type: list
  elements: str
ledgers:
  description: The names of the ledgers, the last to have been opened first.
  returned: always
  type: list
  elements: str
users:
  description: The processes that run from a prefix, each with its C(pid), C(name) and C(prefix).
  returned: always
  type: list
  elements: dict
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.own_prefixes import prefixes
from ..module_utils.sysroot import OPTIONS

STATE = "var/lib/grindstone"
CONFIGURATION = "etc/grindstone"
# site.yml's order, backwards; a run that was killed has left its own.
# Of an environment that was made here; venv's own pyvenv.cfg is in any other, too.
MARKS = ("packages.txt", "requirements.txt")
LAST_FIRST = ["tensorflow", "container", "cuda", "nvidia_driver_run", "nvidia_driver"]


def environments(prefix: Path) -> list[Path]:
    """The environments, whole or half made: each has a file that making it leaves."""
    names = [name + end for name in ("tensorflow", "tools") for end in ("", ".new", ".old")]
    return [
        prefix / name
        for name in names
        if any((prefix / name / mark).exists() for mark in MARKS)
        or ("." in name and (prefix / name / "pyvenv.cfg").exists())
    ]


def of_uv(prefix: Path) -> list[Path]:
    """The cache of uv and the folder of the Pythons that it brought, if they are uv's alone."""
    cache, pythons = prefix / "cache", prefix / "python"
    found = [cache] if (cache / "CACHEDIR.TAG").is_file() or _empty(cache) else []
    if pythons.is_dir() and not pythons.is_symlink():
        names = [path.name for path in pythons.iterdir()]
        if all(name.startswith((".", "cpython-", "pypy-")) for name in names):
            found.append(pythons)
    return found


def _empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def own(prefix: Path) -> tuple[list[Path], list[Path]]:
    """What goes of a prefix, in its order, and what else it holds: others' files and mounts."""
    mine = [path for path in environments(prefix) + of_uv(prefix) if not os.path.ismount(str(path))]
    if (prefix / "bench/lock").is_file():  # of benchmark_job
        mine.append(prefix / "bench")
    if mine and (prefix / ".lock").exists():
        mine.append(prefix / ".lock")
    stays = sorted(set(prefix.iterdir()) - set(mine)) if prefix.is_dir() else []
    if prefix.is_dir() and not stays and not os.path.ismount(str(prefix)):
        mine.append(prefix)
    return mine, stays


def ledgers(root: Path) -> list[str]:
    """The names of the ledgers, in the order to undo them in."""
    names = [path.stem for path in (root / STATE / "ledger").glob("*.json")]
    order = {name: number for number, name in enumerate(LAST_FIRST)}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def users(root: Path, prefix: Path) -> list[dict[str, Any]]:
    """The processes of this root that run or have mapped something below the prefix."""
    found = []
    folder = str(prefix).rstrip("/") + "/"
    for process in sorted((root / "proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        if int(process.name) in (os.getpid(), os.getppid()):
            continue
        try:
            if not (process / "root").samefile(root):
                continue  # another root's, as a container's
            program = (process / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
            mapped = (process / "maps").read_text(encoding="utf-8", errors="replace")
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # it has ended
            continue
        if program.startswith(folder) or f" {folder}" in mapped:
            found.append(
                {"pid": int(process.name), "name": name, "prefix": f"/{prefix.relative_to(root)}"}
            )
    return found


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    root = Path(module.params["sysroot"])
    every = {each.strip("/") for each in (module.params["prefix"], *prefixes(root))}
    folders = [root / each for each in sorted(every)]
    found = [own(folder) for folder in folders]
    # Last, for they tell a run that was cut off what there is to remove.
    last = [root / name for name in (STATE, CONFIGURATION) if (root / name).is_dir()]
    goes = [path for each in found for path in each[0]] + last
    stays = [path for each in found for path in each[1]]
    module.exit_json(
        changed=False,
        paths=["/" + str(path.relative_to(root)) for path in goes],
        stays=["/" + str(path.relative_to(root)) for path in stays],
        ledgers=ledgers(root),
        users=[each for folder in folders for each in users(root, folder)],
    )


if __name__ == "__main__":
    main()
