"""Reading a host's files below a root that need not be the machine's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

# The options of the modules that look at a host.
OPTIONS = {
    "prefix": {"type": "path", "default": "/opt/grindstone"},
    "sysroot": {"type": "path", "default": "/"},
}
MOST_LINKS = 40  # as many as Linux follows


def text(path: Path) -> str:
    """The file's text without its last newline, or nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def parsed(path: Path) -> Any:
    """The file's JSON, None where it holds something else, as half of it."""
    try:
        return json.loads(text(path))
    except (ValueError, RecursionError):
        return None


def json_object(path: Path) -> dict[str, Any]:
    """The file's JSON object, an empty one where it holds something else."""
    told = parsed(path)
    return told if isinstance(told, dict) else {}


def raw(path: Path) -> bytes:
    """The file's bytes, or none where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def exists(path: Path) -> bool:
    """Whether there is such a file or folder, as far as it can be seen."""
    try:
        return path.exists()
    except OSError:
        return False


def names(folder: Path) -> list[str]:
    """What lies in the folder, sorted; nothing where it cannot be listed."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def link(path: Path) -> str:
    """What a link points to, "" where the path is none."""
    try:
        return os.readlink(path)  # noqa: PTH115 (Path.readlink came with 3.9)
    except OSError:
        return ""


def inside(root: Path, path: str) -> Path:
    """`path` below `root`, its links followed as if `root` were the root of all files."""
    left = _parts(path)
    done: list[str] = []
    followed = 0
    while left:
        part = left.pop(0)
        if part == "..":
            done = done[:-1]
            continue
        target = link(root.joinpath(*done, part)) if followed < MOST_LINKS else ""
        if not target:
            done.append(part)
            continue
        followed += 1
        if target.startswith("/"):
            done = []
        left = _parts(target) + left
    return root.joinpath(*done)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
