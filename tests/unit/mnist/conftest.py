from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.datasets import digits, mnist
from bench.datasets.dataset import Split
from tests.support.mnist_files import NAMES, REAL


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Has few digits drawn, which takes no time, and counts how often they are."""
    made, count = digits.draw(100, 50), Counter[str]()

    def draw() -> tuple[Split, Split]:
        count["drawn"] += 1
        return made

    monkeypatch.setattr(digits, "draw", draw)
    return count


@pytest.fixture
def cache_dir(few: Counter[str], tmp_path: Path) -> Path:
    """A cache in which digits, though few, are drawn already."""
    mnist.load(None, tmp_path / "cache", mirrors=[])
    few.clear()
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
