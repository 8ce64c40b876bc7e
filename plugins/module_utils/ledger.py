"""What was on a host before a role changed it: packages and files, looked up below a root.

A package is known by its name, by `name:arch` where it is of a foreign architecture.  Its entry:

- version: as the manager prints it
- manual: a person has asked for it (apt's mark, pacman's explicit)
- hold: dpkg must not touch it; pacman has this in a file, which is a role's to name
- residual: only its configuration is left
- provides: the names that it answers to beside its own
"""

from __future__ import annotations

import base64
import os
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Dict, List, Set  # noqa: UP035 (evaluated: Python 3.8)

Packages = Dict[str, Dict[str, Any]]  # noqa: UP006
# Of each package, the groups of which it needs one name each.
Needs = Dict[str, List[Set[str]]]  # noqa: UP006
FIELDS = ("version", "manual", "hold", "residual")


def text(path: Path) -> str:
    """The file's text, or nothing where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def manager(root: Path) -> str:
    """The package manager that this distribution lives by."""
    release = text(root / "etc/os-release") or text(root / "usr/lib/os-release")
    arch = re.search(r"^ID(_LIKE)?=\"?(.* )?arch\b", release, re.MULTILINE)
    return "pacman" if arch else "apt"


def stanzas(path: Path) -> Iterable[dict[str, str]]:
    """The stanzas of a file as dpkg writes it, each field's first line."""
    for stanza in text(path).split("\n\n"):
        lines = [line for line in stanza.splitlines() if ": " in line and line[0] not in " \t"]
        if lines:
            yield dict(line.split(": ", 1) for line in lines)


def names(relation: str) -> list[set[str]]:
    """`a (>= 1) | b:any, c` as groups of names, of which one each is needed."""
    groups = [group.split("|") for group in relation.split(",") if group.strip()]
    return [{name.split("(")[0].split(":")[0].strip() for name in group} for group in groups]


def of_dpkg(root: Path) -> tuple[Packages, Needs]:
    """What dpkg and apt have written down."""
    listed = list(stanzas(root / "var/lib/dpkg/status"))
    native = next((each["Architecture"] for each in listed if each["Package"] == "dpkg"), "")

    def key(each: dict[str, str]) -> str:
        foreign = each.get("Architecture", "all") not in ("all", native)
        return each["Package"] + (":" + each["Architecture"] if foreign else "")

    marks = stanzas(root / "var/lib/apt/extended_states")
    automatic = {key(each) for each in marks if each.get("Auto-Installed") == "1"}
    packages: Packages = {}
    needs: Needs = {}
    for each in listed:
        want, state = each.get("Status", "unknown ok not-installed").split()[::2]
        if state == "not-installed":
            continue
        name = key(each)
        provided = [next(iter(group)) for group in names(each.get("Provides", ""))]
        packages[name] = {
            "version": each.get("Version", ""),
            "manual": name not in automatic,
            "hold": want == "hold",
            "residual": state == "config-files",
            "provides": provided + ([each["Package"]] if ":" in name else []),
        }
        if state != "config-files":
            needs[name] = names(each.get("Depends", "")) + names(each.get("Pre-Depends", ""))
    return packages, needs


def of_pacman(root: Path) -> tuple[Packages, Needs]:
    """What pacman has written down."""
    packages: Packages = {}
    needs: Needs = {}
    for path in sorted((root / "var/lib/pacman/local").glob("*/desc")):
        fields: dict[str, list[str]] = {}
        for part in text(path).split("\n\n"):
            head, *lines = part.strip().splitlines() or [""]
            fields[head.strip("%")] = lines
        name = fields["NAME"][0]
        packages[name] = {
            "version": fields["VERSION"][0],
            "manual": fields.get("REASON") != ["1"],
            "hold": False,
            "residual": False,
            "provides": [re.split("[<>=]", each)[0] for each in fields.get("PROVIDES", [])],
        }
        needs[name] = [{re.split("[<>=]", each)[0]} for each in fields.get("DEPENDS", [])]
    return packages, needs


def look(root: Path) -> tuple[Packages, Needs]:
    """The packages of this host, and what each that is installed needs."""
    return of_pacman(root) if manager(root) == "pacman" else of_dpkg(root)


def installed(packages: Packages) -> set[str]:
    """The names of those that are more than left configuration."""
    return {name for name, each in packages.items() if not each["residual"]}


def changes(before: Packages, now: Packages) -> dict[str, Any]:
    """What has come, gone, and changed its version."""
    there, here = installed(before), installed(now)
    return {
        "added": sorted(here - there),
        "removed": sorted(there - here),
        "upgraded": [
            {"name": name, "before": before[name]["version"], "after": now[name]["version"]}
            for name in sorted(here & there)
            if now[name]["version"] != before[name]["version"]
        ],
    }


def without_others(before: Packages, seen: Packages, now: Packages) -> Packages:
    """What there was before, had others done first what they did between `seen` and `now`.

    So what a person does to the host after the role is neither laid to the role nor undone with it.
    """
    based = {name: dict(each) for name, each in before.items()}
    added = installed(seen) - installed(before)
    for name in set(seen) | set(now):
        was, here = seen.get(name), now.get(name)
        if here == was or (here and name in added):
            continue
        if not here:
            based.pop(name, None)
        elif was and name in based and was["residual"] == here["residual"]:
            others = {field: here[field] for field in FIELDS if here[field] != was[field]}
            based[name].update(others)
        else:
            based[name] = dict(here)
    return based


def still_needed(now: Packages, needs: Needs, added: set[str], back: Packages) -> set[str]:
    """Those of `added` without which a package that stays would miss something.

    back: what will be there again, which may give what an added package gives today.
    """
    offered = {name: {name, *each["provides"]} for name, each in {**back, **now}.items()}
    staying = (installed(now) - added) | set(back)
    found: set[str] = set()
    while True:
        there = {name for package in staying | found for name in offered[package]}
        missed = [
            group
            for package in staying | found
            for group in needs.get(package, [])
            if not group & there
        ]
        more = {name for name in added - found if any(offered[name] & each for each in missed)}
        if not more:
            return found
        found |= more


def write(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Writes all of a file or nothing, also where the power fails."""
    descriptor, part = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if owner:
                os.chown(part, *owner)
            Path(part).chmod(mode)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink()
        raise
    folder = os.open(str(path.parent), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def file_entry(path: Path) -> dict[str, Any]:
    """A file as it is: `content` is None where there is none; `folders` are those it lacks."""
    lacking = [str(folder) for folder in path.parents if not folder.exists()]
    if not path.is_symlink() and not path.exists():
        return {"content": None, "folders": lacking}
    status = path.lstat()
    entry: dict[str, Any] = {"folders": [], "uid": status.st_uid, "gid": status.st_gid}
    if path.is_symlink():
        return {**entry, "content": "", "link": os.readlink(path)}  # noqa: PTH115, Python 3.8
    if not path.is_file():
        raise ValueError(f"{path} is no file, and a ledger keeps files: name those in it")
    content = base64.b64encode(path.read_bytes()).decode()
    times = [status.st_atime_ns, status.st_mtime_ns]
    return {**entry, "content": content, "mode": stat.S_IMODE(status.st_mode), "times": times}


def same(entry: dict[str, Any], path: Path) -> bool:
    """Is the file there as it was?"""
    now = file_entry(path)
    return all(now.get(key) == entry.get(key) for key in ("content", "link", "mode", "uid", "gid"))


def bring_back(entry: dict[str, Any], path: Path) -> None:
    """Makes the file what it was, and removes the folders that had to be made for it."""
    if entry["content"] is None:
        if path.is_symlink() or path.exists():
            path.unlink()
    elif not same(entry, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if "link" in entry:
            if path.is_symlink() or path.exists():
                path.unlink()
            path.symlink_to(entry["link"])
            os.chown(path, entry["uid"], entry["gid"], follow_symlinks=False)
        else:
            content = base64.b64decode(entry["content"])
            write(path, content, entry["mode"], (entry["uid"], entry["gid"]))
            os.utime(path, ns=tuple(entry["times"]))
    remove_empty(*map(Path, entry["folders"]))


def remove_empty(*folders: Path) -> None:
    """Removes those folders that hold nothing, in this order."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
