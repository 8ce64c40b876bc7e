"""What is inside a Python environment: its packages' files, and search paths, links, files beside.

Libraries that look in the wrong place for others get another search path.  What is installed are
hard links into uv's cache, so a library that is changed is a new file, renamed over.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from .elf import SearchPath, search_path

ALTERED = "altered.csv"  # what was changed after its installation, in the form of RECORD
# What leads Python, pip or uv elsewhere, where a host's environment has it for another purpose.
MISLEADING = re.compile(
    r"PYTHON(?!WARNINGS$|UNBUFFERED$|DONTWRITEBYTECODE$)"
    r"|UV_(PYTHON|SYSTEM_PYTHON|OVERRIDE|\w*CONSTRAINT)$"
    r"|PIP_(?!\w*(INDEX|FIND_LINKS|HOST|CERT|PROXY|TIMEOUT|CACHE|RETRIES)|CONFIG_FILE|NO_INPUT)"
)


class MakingError(RuntimeError):
    """The environment could not be made; the text is one line."""


def read(path: Path) -> str:
    """The file's text, "" where there is none; what is no text is replaced."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
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


def recorded(path: Path) -> dict[str, tuple[str, int]]:
    """The hash and the size that each file is to have, by its name below site-packages."""
    found = {}
    for record in [*sorted(site_packages(path).glob("*.dist-info/RECORD")), path / ALTERED]:
        for row in csv.reader(read(record).split("\n")):
            if len(row) == 3 and row[2].isdigit():
                found[row[0]] = (row[1], int(row[2]))
    return found


def damaged(path: Path, thorough: bool = False) -> list[str]:
    """The files that are gone or of another size than recorded; `thorough` reads them, too."""
    site = str(site_packages(path))
    return [
        name
        for name, (digest, size) in recorded(path).items()
        if not intact(os.path.join(site, name), size, digest if thorough else "")  # noqa: PTH118
    ]


def intact(path: str, size: int, digest: str) -> bool:
    """Whether the file has that size, and the hash where one is given."""
    try:
        if os.stat(path).st_size != size:  # noqa: PTH116 (for tens of thousands of files)
            return False
        return not digest.startswith("sha256=") or digest == hash_of(path)
    except OSError:
        return False


def hash_of(path: str) -> str:
    """The file's hash as RECORD has it."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return "sha256=" + base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


def owners(path: Path, files: list[str]) -> list[str]:
    """The packages that those files belong to."""
    found = []
    for record in sorted(site_packages(path).glob("*.dist-info/RECORD")):
        names = {row[0] for row in csv.reader(read(record).split("\n")) if row}
        if names & set(files):
            found.append(record.parent.name.split("-")[0])
    return found


def note_altered(path: Path) -> None:
    """Notes the files that were changed on purpose after installation, with their new hashes."""
    site = site_packages(path)
    files = [(name, site / name) for name in damaged(path) if (site / name).is_file()]
    rows = [f'"{name}",{hash_of(str(file))},{file.stat().st_size}\n' for name, file in files]
    (path / ALTERED).write_text("".join(rows), encoding="utf-8")


def first_difference(path: Path, wishes: dict[str, Any]) -> str:
    """The first thing in which the environment is not as it should be, "" where there is none."""
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
        broken = damaged(path, wishes.get("thorough", False))
        if broken:
            return f"{broken[0]} is not as it was installed"
    except (MakingError, OSError, ValueError, csv.Error) as error:
        return str(error)
    return ""


def run(command: list[str], environment: dict[str, str], lock: int | None = None) -> None:
    """Runs the command; its children hold the lock, if there is one, as long as they live.

    Raises:
        MakingError: it failed; with the error and its cause.
    """
    inherited = {name: value for name, value in os.environ.items() if not MISLEADING.match(name)}
    try:
        done = subprocess.run(
            command,
            check=False,
            env={**inherited, **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[] if lock is None else [lock],
        )
    except OSError as error:
        raise MakingError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        said = reason(done.stdout.decode(errors="replace")) or f"exit status {done.returncode}"
        raise MakingError(f"{Path(command[0]).name} failed: {said}")


def reason(output: str) -> str:
    """The error and its root cause, on one line, out of what uv or pip said."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if lines[:1] == ["Traceback (most recent call last):"]:
        del lines[:-1]
    # What pip could not reach it warns of, and then misses what is there.
    broken = re.search(r"(?:connection broken by |WARNING: (?=.*not a trusted))(.*)", output)
    if broken:
        cause = re.sub(r"<[^>]*>(: |, )?|\b[A-Z]\w+\((\d, )?|[()'\"]", "", broken.group(1))
        return f"the package index does not answer: {cause[:200].strip(' .')}{doubt(cause)}"
    first = next((i for i, line in enumerate(lines) if line.lower().startswith("error")), 0)
    causes = [line for line in lines if line.lower().startswith("cause:")]
    ends = dict.fromkeys(lines[first : first + 1] + (causes or lines)[-1:])
    said = "; ".join(re.sub(r"^(error|cause): ", "", line, flags=re.IGNORECASE) for line in ends)
    return said + doubt(output)


def doubt(said: str) -> str:
    """Asks for the clock where a certificate's time does not fit."""
    if re.search(r"(?i)certificate (is not yet valid|has expired|not valid yet|expired)", said):
        return f" (is this host's clock right? It shows {time.strftime('%Y-%m-%d %H:%M')})"
    return ""
