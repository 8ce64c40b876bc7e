"""NVIDIA's package repository for a system."""

from __future__ import annotations

from .host import Host
from .model import Matrix, Row


def row_for(host: Host, matrix: Matrix) -> Row | None:
    """The system's row, where there is such a repository."""
    here = host.found["distribution"]
    for row in matrix.repositories:
        if (row["system"], row["version"]) == (here["id"], here["version"]):
            return row
    return None


def entry(row: Row) -> Row:
    """What the roles need to set it up, with its key checked."""
    return {
        "distro": row["distro"],
        "arch": "x86_64",
        "package": "cuda-keyring_1.1-1_all.deb",
        "keyring_sha256": row["keyring_sha256"],
        "key_fingerprint": row["key_fingerprint"],
    }
