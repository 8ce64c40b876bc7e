"""Throw-away Debian roots: made once by mmdebstrap, kept, and laid under each test's overlay.

What Ansible does there is done by the real apt, pip and uv.  The mounts live in a mount namespace
of this process, so that none outlives it.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support import playbook as playbooks
from tests.support.ansible_env import PYTHONPATH, compiled_folder
from tests.support.cache import cache_folder, locked
from tests.support.module_servers import serve
from tests.support.playbook import PlayResult

PACKAGES = "python3,ca-certificates"  # what a person needs there before Ansible can do the rest
# Throw-away roots need no file on the disk before the next; a machine's guest keeps dpkg's fsync.
MMDEBSTRAP = ["mmdebstrap", "--quiet", "--variant=apt"]
UNSAFE_IO = "--dpkgopt=force-unsafe-io"
CLONE_NEWNS = 0x00020000
# Of no module, and hardly compressed: what it holds does not matter to these tests, and Debian's
# own takes half a minute, four times for a driver.
INITRAMFS = "MODULES=list\nCOMPRESSLEVEL=1\n"
# What an overlay writes to; and the memory that must be left for a root's changes to be kept there.
WRITTEN = ("changes", "work")
MEMORY = "memory"
MEMORY_LEFT = 12 * 1024**3
_NUMBERS = itertools.count()
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

Entry = tuple[int, int, int, str]  # mode, size in bytes, time of change in ns, target
Tree = dict[str, Entry]


def missing() -> str:
    """Why no root can be made here, "" where one can."""
    if os.getuid() != 0:
        return "it mounts and changes roots, so it needs root"
    if not shutil.which("mmdebstrap"):
        return "it makes Debian roots, so it needs mmdebstrap"
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="utf-8"):
        return "it lays roots under overlays, and this kernel has none"
    return ""


def unshare_mounts() -> None:
    """Gives this thread, and what it starts, mounts of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def discard(folder: Path) -> None:
    """Frees what a root in `folder` has written: gigabytes, which pytest would keep for a while."""
    if (folder / MEMORY).is_mount():
        subprocess.run(["umount", str(folder / MEMORY)], check=True)
        return
    for name in WRITTEN:
        shutil.rmtree(folder / name, ignore_errors=True)


def _make_written(folder: Path, on_disk: bool) -> None:
    """Makes the folders that an overlay writes to, in memory where there is enough of it.

    To write and remove an environment of 2 GB takes a disk a minute, and memory a few seconds.
    """
    if on_disk or psutil.virtual_memory().available < MEMORY_LEFT:
        for name in WRITTEN:
            (folder / name).mkdir()
        return
    memory = folder / MEMORY
    memory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100%", "tmpfs", str(memory)], check=True)
    for name in WRITTEN:
        (memory / name).mkdir()
        (folder / name).symlink_to(memory / name)


def mirror() -> list[str]:
    """The mirror that this machine's own apt uses, none where it is not Debian's."""
    lines = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    return [line.split(" ", 1)[1] for line in lines if line.startswith("Debian ")][:1]


def base(suite: str, more: str = "") -> Path:
    """The root of a fresh Debian with `more` packages, made if it is not kept yet."""
    root = cache_folder() / "-".join(filter(None, [suite, more, "unsafe-io"]))
    with locked(root.name):
        if not root.exists():
            part = root.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            if more:
                _copy_with(base(suite), more, part)
            else:
                _debootstrap(suite, part)
            part.rename(root)
    return root


def _debootstrap(suite: str, part: Path) -> None:
    folder = '"$1/etc/initramfs-tools/conf.d"'
    write = f"mkdir -p {folder} && echo {shlex.quote(INITRAMFS)} >{folder}/brief"
    command = [*MMDEBSTRAP, UNSAFE_IO, f"--include={PACKAGES}", f"--setup-hook={write}", suite]
    subprocess.run([*command, str(part), *mirror()], check=True)


def _copy_with(below: Path, more: str, part: Path) -> None:
    with (
        tempfile.TemporaryDirectory(dir=cache_folder()) as folder,
        root_on([below], Path(folder), on_disk=True) as root,
    ):
        root.command("apt-get", "update")
        root.command("apt-get", "install", "--yes", "--no-install-recommends", more)
        root.command("sh", "-c", "apt-get clean && rm -r /var/lib/apt/lists/*")
        subprocess.run(["cp", "-ax", f"{root.path}/.", str(part)], check=True)


def link_packages(source: Path, target: Path) -> None:
    """Links to every package of one folder in another, which may have some of them."""
    for package in source.glob("*.deb"):
        with suppress(FileExistsError):
            (target / package.name).hardlink_to(package)


@dataclass(frozen=True)
class Root:
    """A root at `path`; `layers` are the folders below what this one changes, the top first."""

    path: Path
    layers: list[Path]

    @property
    def changes(self) -> Path:
        """The folder that holds what has changed here."""
        return self.path.with_name("changes")

    def share_downloads(self) -> None:
        """Lets uv find there what it downloaded for another root."""
        cache, folder = cache_folder() / "uv", self.path / "opt/grindstone/cache"
        for path in (cache, folder):
            path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", str(cache), str(folder)], check=True)

    @contextmanager
    def sharing_packages(self) -> Iterator[None]:
        """Lets apt find there what it downloaded for another root of the same suite.

        Each root has a folder of links of its own, as apt locks the whole folder.
        """
        suite = re.search(r"^VERSION_CODENAME=(\w+)", self.text("etc/os-release"), re.MULTILINE)
        cache = cache_folder() / f"archives-{suite.group(1) if suite else 'unknown'}"
        own = cache_folder() / f"archives-{os.getpid()}-{next(_NUMBERS)}"
        for folder in (cache, own / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        link_packages(cache, own)
        keep = self.path / "etc/apt/apt.conf.d/99keep"  # of what mmdebstrap's roots throw away
        keep.write_text('APT::Keep-Downloaded-Packages "true";\n', encoding="utf-8")
        folder = self.path / "var/cache/apt/archives"
        subprocess.run(["mount", "--bind", str(own), str(folder)], check=True)
        try:
            yield
        finally:
            link_packages(own, cache)
            shutil.rmtree(own)

    def text(self, name: str) -> str:
        """The text of a file there."""
        return (self.path / name).read_text(encoding="utf-8")

    def start(
        self, *arguments: str, playbook: str = "site.yml", **variables: object
    ) -> subprocess.Popen[str]:
        """Starts a playbook against this root."""
        hosts = {"root": playbooks.in_root(self.path, variables)}
        return playbooks.start(hosts, self.path.with_suffix(".json"), playbook, *arguments)

    def play(self, *arguments: str, playbook: str = "site.yml", **variables: object) -> PlayResult:
        """Runs a playbook against this root to its end."""
        return playbooks.finish(self.start(*arguments, playbook=playbook, **variables))

    def command(self, *words: str) -> str:
        """Runs a command inside and returns what it prints."""
        return subprocess.run(
            ["chroot", str(self.path), *words],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def processes(self) -> list[int]:
        """The processes that run inside."""
        inside = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "root").readlink() == self.path:
                    inside.append(int(process.name))
            except OSError:  # it has ended, or is the kernel's
                continue
        return inside

    def kill(self) -> None:
        """Ends what runs inside, as a power cut would."""
        while pids := self.processes():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def tree(self) -> Tree:
        """Each file's mode, size, time of change and target, and each folder's mode.

        What is mounted there is left out: other tests write to the downloads that they share.
        """
        found: Tree = {}
        device = self.path.stat().st_dev

        def walk(folder: str) -> None:
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    name = f"{folder}{entry.name}"
                    is_folder = stat.S_ISDIR(status.st_mode)
                    if is_folder and status.st_dev != device:
                        continue
                    target = str(Path(entry.path).readlink()) if entry.is_symlink() else ""
                    timed = (0, 0) if is_folder else (status.st_size, status.st_mtime_ns)
                    found[name] = (status.st_mode, *timed, target)
                    if is_folder:
                        walk(f"{name}/")

        walk("")
        return found


def changed(before: Tree, after: Tree) -> dict[str, tuple[Entry | None, Entry | None]]:
    """What has come, gone or changed between two looks at a root, by path."""
    paths = sorted(before.keys() | after.keys())
    looks = {path: (before.get(path), after.get(path)) for path in paths}
    return {path: (was, now) for path, (was, now) in looks.items() if was != now}


@contextmanager
def root_on(layers: list[Path], folder: Path, *, on_disk: bool = False) -> Iterator[Root]:
    """A root in `folder` on top of the layers; all that runs and is mounted in it ends with it.

    on_disk: other processes of the tests read what it changes, too, which do not see its mounts.
    """
    path = folder / "root"
    path.mkdir()
    _make_written(folder, on_disk)
    with ExitStack() as undo:
        below = ":".join(map(str, layers))
        options = f"lowerdir={below},upperdir={folder}/changes,workdir={folder}/work"
        for mount in (
            ["-t", "overlay", "-o", options, "overlay", str(path)],
            ["-t", "proc", "proc", f"{path}/proc"],
            ["-t", "devpts", "-o", "newinstance", "devpts", f"{path}/dev/pts"],
        ):
            subprocess.run(["mount", *mount], check=True)
            if mount[1] == "overlay":
                undo.callback(subprocess.run, ["umount", "--recursive", str(path)], check=True)
        root = Root(path, layers)
        undo.callback(root.kill)
        inside = path / PYTHONPATH.relative_to("/")
        inside.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", str(compiled_folder()), str(inside)], check=True)
        serve(layers[-1])
        shutil.copy("/etc/resolv.conf", path / "etc/resolv.conf")
        if CERTIFICATES.exists():  # a proxy's own, if this machine has one
            shutil.copy(CERTIFICATES, path / CERTIFICATES.relative_to("/"))
        yield root
