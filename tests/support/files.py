"""A file that a test needs, with the folders above it."""

from __future__ import annotations

from pathlib import Path


def lay(path: Path, content: str | bytes = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
