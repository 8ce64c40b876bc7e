from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.datasets import mnist
from tests.support.mnist_files import (
    DRAWN,
    NAMES,
    REAL,
)


@pytest.fixture(scope="session")
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds drawn digits and nothing else."""
    cache_dir = tmp_path_factory.mktemp("drawn")
    mnist.load(None, cache_dir, mirrors=[])
    return cache_dir


@pytest.fixture
def cache_dir(drawn_once: Path, tmp_path: Path) -> Path:
    """A cache of this test's own, with the digits drawn already."""
    kept = tmp_path / "cache" / "mnist"
    kept.mkdir(parents=True)
    os.link(drawn_once / "mnist" / DRAWN, kept / DRAWN)
    return tmp_path / "cache"


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A data directory with MNIST's four files, to be spoilt."""
    folder = tmp_path / "brought"
    folder.mkdir()
    for name in NAMES:
        (folder / name).symlink_to(REAL / name)
    return folder


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A data directory that has something else in it."""
    (tmp_path / "photographs" / "31").mkdir(parents=True)
    (tmp_path / "photographs" / "31" / "1606089600-silvia.png").touch()
    return tmp_path / "photographs"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mirror on loopback, which serves what is in `tmp_path / "mirror"`: MNIST, at first."""
    monkeypatch.setenv("NO_PROXY", "*")
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name in NAMES:
        (folder / name).symlink_to(REAL / name)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
