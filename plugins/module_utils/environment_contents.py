"""What is inside a Python environment beside its packages: search paths, links, files.

Libraries that look in the wrong place for others get another search path.  What is installed are
hard links into uv's cache, so a library that is changed is a new file, renamed over.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .elf import SearchPath, search_path


class MakingError(RuntimeError):
    """The environment could not be made; the text is one line."""


def read(path: Path) -> str:
    """The file's text, "" where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def search_paths(path: Path, wishes: dict[str, list[str]]) -> dict[Path, SearchPath]:
    """The search path that each library of the environment is to have.

    Raises:
        MakingError: a wish fits no library, or none of its folders is there.
    """
    wanted = {}
    site = site_packages(path)
    for pattern, folders in wishes.items():
        libraries = sorted(site.glob(pattern))
        if not libraries:
            raise MakingError(f"the lock brings no {pattern}, whose runtime path is to be set")
        for library in libraries:
            own = folders_of(library, site, folders) or search_path(library).folders
            wanted[library] = SearchPath(True, own)
    return wanted


def folders_of(library: Path, site: Path, folders: list[str]) -> str:
    """The folders as the library is to name them, in the order of the wishes."""
    found = []
    for folder in folders:
        if folder.startswith("/"):
            found.append(folder)
            continue
        places = sorted(place for place in site.glob(folder) if place.is_dir())
        if not places:
            raise MakingError(f"the lock brings no {folder}, where {library.name} is to look")
        found += [f"$ORIGIN/{os.path.relpath(place, library.parent)}" for place in places]
    return ":".join(found)


def site_packages(path: Path) -> Path:
    """The folder of the environment that packages are installed in.

    Raises:
        MakingError: there is none.
    """
    for site in path.glob("lib/python3.*/site-packages"):
        return site
    raise MakingError("it has no site-packages")


def set_search_paths(path: Path, wishes: dict[str, list[str]], patchelf: str, lock: int) -> None:
    """Gives the libraries the search paths that they are to have."""
    for library, wanted in search_paths(path, wishes).items():
        if search_path(library) == wanted:
            continue
        new = library.with_name(library.name + ".new")
        command = [patchelf, "--force-rpath", "--set-rpath", wanted.folders, "--output", str(new)]
        run([*command, str(library)], {}, lock)
        shutil.copymode(str(library), str(new))
        new.replace(library)
        if search_path(library) != wanted:
            raise MakingError(f"patchelf has not set the runtime path of {library.name}")


def link(path: Path, links: dict[str, str]) -> None:
    """Makes the links.

    Raises:
        MakingError: one would lead nowhere.
    """
    for name, target in links.items():
        place = site_packages(path) / name
        if not (place.parent / target).exists():
            raise MakingError(f"the lock brings no {target}, where {name} is to lead to")
        place.symlink_to(target)


def unlike(path: Path, wishes: dict[str, Any]) -> str:
    """What is not as it was to be made of the packages, "" where all is."""
    try:
        site = site_packages(path)
        for name, text in wishes.get("files", {}).items():
            if read(site / name) != text:
                return f"{name} is not as it should be"
        for name, target in wishes.get("links", {}).items():
            place = site / name
            # Path.readlink came with Python 3.9.
            if not place.is_symlink() or os.readlink(place) != target:  # noqa: PTH115
                return f"{name} is not the link that it should be"
        for library, wanted in search_paths(path, wishes.get("runtime_path", {})).items():
            if search_path(library) != wanted:
                return f"{library.name} looks for its libraries elsewhere"
    except (MakingError, OSError, ValueError) as error:
        return str(error)
    return ""


def run(command: list[str], environment: dict[str, str], lock: int) -> None:
    """Runs the command; its children hold the lock as long as they live.

    Raises:
        MakingError: it failed; with the error and its cause.
    """
    done = subprocess.run(
        command,
        check=False,
        env={**os.environ, **environment},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lock],
    )
    if done.returncode:
        said = reason(done.stdout.decode(errors="replace")) or f"exit status {done.returncode}"
        raise MakingError(f"{Path(command[0]).name} failed: {said}")


def reason(output: str) -> str:
    """The error and its root cause, on one line, out of what uv or pip said."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if line.lower().startswith("error")), 0)
    causes = [line for line in lines if line.lower().startswith("cause:")]
    ends = dict.fromkeys(lines[first : first + 1] + (causes or lines)[-1:])
    return "; ".join(re.sub(r"^(error|cause): ", "", line, flags=re.IGNORECASE) for line in ends)
