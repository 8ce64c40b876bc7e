"""Signed repositories of mock packages, and layers that make a Debian root another distribution.

Package managers, signatures and databases are real.  Layers and repositories are made once and
kept, whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.support import roots
from tests.support.cache import cache_folder, locked, remove_stale
from tests.support.mock_packages import Package, arch_package, deb


def missing(*tools: str) -> str:
    """Why these roots cannot be made here, "" where they can."""
    packages = {
        "apt-ftparchive": "apt-utils",
        "bsdtar": "libarchive-tools",
        "gpg": "gnupg",
        "repo-add": "pacman-package-manager",
        "zstd": "zstd",
    }
    for tool in tools:
        if not shutil.which(tool):
            return f"it makes repositories, so it needs {tool} (Debian's package {packages[tool]})"
    return ""


class Keys:
    """Throw-away keys to sign with, in a folder of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)
        self.gpg("--quick-generate-key", "Mock packages <mock@example.org>", "ed25519", "sign", "0")

    def gpg(self, *arguments: str, data: bytes = b"") -> bytes:
        """What gpg prints."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--quiet"]
        return subprocess.run(
            [*command, "--pinentry-mode", "loopback", "--passphrase", "", *arguments],
            input=data,
            capture_output=True,
            check=True,
        ).stdout

    @property
    def public(self) -> bytes:
        return self.gpg("--export")

    def close(self) -> None:
        """Ends the agent that gpg has started for them, waits for its end, and forgets them."""
        ask = ["gpg-connect-agent", "--homedir", str(self.home), "GETINFO pid", "/bye"]
        told = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
        agent = os.pidfd_open(int(told.split()[1]))  # «D 4711», «OK»
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=True)
        select.select([agent], [], [])
        os.close(agent)
        shutil.rmtree(self.home)


@contextmanager
def keys() -> Iterator[Keys]:
    """Keys that are gone afterwards, in a path that is short enough for gpg's sockets."""
    made = Keys(Path(tempfile.mkdtemp(prefix="keys-")) / "gnupg")
    try:
        yield made
    finally:
        made.close()
        made.home.parent.rmdir()


def apt_repository(
    folder: Path, origin: str, suite: str, packages: list[Package], signer: Keys
) -> None:
    """Makes `folder` an apt repository with one component, main."""
    pool = folder / "pool"
    pool.mkdir(parents=True)
    for package in packages:
        deb(package, pool)
    release = folder / "dists" / suite
    index = release / "main/binary-amd64/Packages"
    index.parent.mkdir(parents=True)
    ftparchive = ["apt-ftparchive", "-qq"]
    index.write_bytes(subprocess.check_output([*ftparchive, "packages", "pool"], cwd=folder))
    about = {"Suite": suite, "Codename": suite, "Components": "main", "Architectures": "amd64"}
    for key, value in {"Origin": origin, **about}.items():
        ftparchive += ["-o", f"APT::FTPArchive::Release::{key}={value}"]
    text = subprocess.check_output([*ftparchive, "release", str(release)])
    (release / "InRelease").write_bytes(signer.gpg("--clearsign", data=text))


def pacman_repository(folder: Path, packages: list[Package], signer: Keys, made_at: int) -> None:
    """Makes `folder` a repository of its name for pacman, packages and database signed.

    made_at: the database's time, in s; pacman takes only a newer one anew.
    """
    folder.mkdir(parents=True)
    made = []
    for package in packages:
        path = folder / f"{package.name}-{package.version}-x86_64.pkg.tar.gz"
        path.write_bytes(arch_package(package))
        signer.gpg("--detach-sign", str(path))
        made.append(str(path))
    database = folder / f"{folder.name}.db.tar.gz"
    subprocess.run(["repo-add", "--quiet", str(database), *made], check=True)
    for old in folder.glob("*.old*"):
        old.unlink()
    signature = folder / f"{folder.name}.db.sig"
    signer.gpg("--detach-sign", "--output", str(signature), str(database))
    for path in (database, signature):
        os.utime(path, (made_at, made_at))


@dataclass(frozen=True)
class MockDistribution:
    """What makes a root like a distribution.

    layers: the folders to lay a root on, the top first.
    web: the folder that the repositories are served from, a folder a host.
    """

    layers: list[Path]
    web: Path


def cached(name: str, suite: str, make: Callable[[roots.Root, Path], None]) -> MockDistribution:
    """The layer and the repositories of that name, made by `make` if they are not kept yet."""
    sources = sorted(Path(__file__).parent.glob("mock_*.py"))
    said = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    folder = cache_folder() / f"{name}-{said[:12]}"
    below = roots.base(suite)
    with locked(name):
        if not folder.exists():
            remove_stale(f"{name}-*")
            part = folder.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            with roots.root_on([below], part, on_disk=True) as root:
                make(root, part / "web")
            shutil.rmtree(part / "work")
            (part / "root").rmdir()
            part.rename(folder)
    os.utime(folder)  # it is in use
    return MockDistribution([folder / "changes", below], folder / "web")


class _Proxy(SimpleHTTPRequestHandler):
    """Serves `http://host/path` from the folder `host`, as a proxy would."""

    def translate_path(self, path: str) -> str:
        url = urlsplit(path)
        return super().translate_path(f"/{url.netloc}{url.path}")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(web: Path) -> Iterator[int]:
    """The port on the loopback where a proxy serves what is in `web`."""

    def handler(*arguments: object) -> _Proxy:
        return _Proxy(*arguments, directory=str(web))  # type: ignore[arg-type]

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
