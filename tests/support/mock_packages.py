"""Packages that stand for kernels and drivers, signed repositories of them, and roots with them.

They have the names, versions, dependencies and conflicts of the real ones (mock_ubuntu.py,
mock_arch.py), and next to nothing inside: a kernel is its file in /boot, a kernel module is an ELF
file with no more than its `.modinfo`.  Package managers, signatures and databases are real.

Each root is a layer on top of a Debian root.  Layers and repositories are made once and kept, whole
or not at all.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import select
import shutil
import struct
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.support import roots

MADE = 1_760_000_000  # when the files of all packages were made
Files = dict[str, bytes | str]
# In a package's script: waits while a test holds it there.
WAIT = "[ ! -p /srv/wait-{0} ] || read -r _ < /srv/wait-{0}"


@dataclass(frozen=True)
class Package:
    """A package that stands for a real one.

    relations: `Depends`, `Conflicts`, `Provides` … (a .deb's names) or `depend`, `conflict`,
        `provides`, `group` … (pacman's), each a list.
    files: what is in it by path; a value that begins with "->" is a link's target, and one that
        begins with "#!" is executable.
    scripts: `postinst`, `prerm` … of a .deb, or the functions `post_install` … for pacman.
    """

    name: str
    version: str
    relations: dict[str, list[str]] = field(default_factory=dict)
    files: Files = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)


# What `dkms` and its hooks do, as far as anyone looks: builds for each kernel with headers.
DKMS = """#!/bin/sh
# Stands for DKMS: «builds» /usr/src/NAME-VERSION for every kernel that has its headers.
set -e
case $1 in
status)
    for built in /var/lib/dkms/*/*/*/x86_64; do
        [ -d "$built" ] || continue
        set -- $(echo "$built" | cut -d/ -f5-7 | tr / ' ')
        echo "$1/$2, $3, x86_64: installed"
    done ;;
autoinstall)
    failed=0
    for source in /usr/src/*/dkms.conf; do
        [ -e "$source" ] || continue
        source=$(basename "$(dirname "$source")")
        for kernel in /lib/modules/*/build; do
            [ -d "$kernel" ] || continue
            kernel=$(basename "$(dirname "$kernel")")
            tree=/var/lib/dkms/${source%%-*}/${source#*-}
            target=/lib/modules/$kernel/updates/dkms
            [ ! -e "$tree/$kernel" ] || continue
            echo "Building module for $source and $kernel"
            [ ! -p /srv/wait-dkms ] || read -r _ < /srv/wait-dkms
            case $kernel in
            $(cat "/usr/src/$source/fails-for" 2>/dev/null || echo -))
                mkdir -p "$tree/build"
                cat > "$tree/build/make.log" <<END
DKMS make.log for $source for kernel $kernel (x86_64)
make: Entering directory '/usr/src/linux-headers-$kernel'
$tree/build/nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'
make: *** [Makefile:1] Error 2
END
                echo "Error! Bad return status for module build on kernel: $kernel (x86_64)" >&2
                echo "Consult $tree/build/make.log for more information." >&2
                failed=10
                continue ;;
            esac
            mkdir -p "$tree/$kernel/x86_64/module" "$target"
            cp /usr/src/$source/nvidia.ko* "$tree/$kernel/x86_64/module"
            cp /usr/src/$source/nvidia.ko* "$target"
        done
    done
    exit $failed ;;
remove)
    rm -rf "/var/lib/dkms/$2"
    find /lib/modules -path '*/updates/dkms/nvidia.ko*' -delete
    find /lib/modules -path '*/updates*' -type d -empty -delete ;;
esac
"""


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


def kernel_module(version: str, flavour: str) -> bytes:
    """An ELF file with the `.modinfo` of NVIDIA's module, `open` or `proprietary`."""
    licence = "Dual MIT/GPL" if flavour == "open" else "NVIDIA"
    info = f"license={licence}\0version={version}\0supported=external\0name=nvidia\0".encode()
    names = b"\0.modinfo\0.shstrtab\0"
    start = 64 + len(info) + len(names)

    def section(name: int, kind: int, offset: int, size: int) -> bytes:
        return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)

    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, start, 0, 64, 0, 0, 64, 3, 2)
    sections = section(0, 0, 0, 0) + section(1, 1, 64, len(info))
    sections += section(10, 3, 64 + len(info), len(names))
    return identity + header + info + names + sections


class Keys:
    """Throw-away keys to sign with, in a folder of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)
        self.gpg(
            "--quick-generate-key",
            "Mock packages <mock@example.org>",
            "ed25519",
            "sign",
            "0",
        )

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


def deb(package: Package, pool: Path) -> None:
    """Builds the package in `pool`."""
    tree = pool / package.name
    _lay_out(package.files, tree)
    control = tree / "DEBIAN"
    control.mkdir()
    fields = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": "amd64",
        "Maintainer": "Mock packages <mock@example.org>",
        "Section": "restricted/kernel",
        **{name: ", ".join(values) for name, values in package.relations.items()},
        "Description": "stands for the real package of this name",
    }
    lines = [f"{name}: {value}\n" for name, value in fields.items()]
    (control / "control").write_text("".join(lines), encoding="utf-8")
    configuration = [f"/{path}\n" for path in package.files if path.startswith("etc/")]
    (control / "conffiles").write_text("".join(configuration), encoding="utf-8")
    for name, body in package.scripts.items():
        (control / name).write_text(f"#!/bin/sh\nset -e\n{body}\n", encoding="utf-8")
        (control / name).chmod(0o755)
    name = f"{package.name}_{package.version.replace(':', '%3a')}_amd64.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(pool / name)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)


def _lay_out(files: Files, tree: Path) -> None:
    tree.mkdir()
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        if data.startswith(b"->"):
            path.symlink_to(data[2:].decode())
            continue
        path.write_bytes(data)
        path.chmod(0o755 if data.startswith(b"#!") else 0o644)


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


def arch_package(package: Package) -> bytes:
    """The package as pacman takes it."""
    base = package.relations.get("pkgbase", [package.name])
    info = [("pkgname", package.name), ("pkgbase", base[0]), ("pkgver", package.version)]
    info += [
        ("pkgdesc", "stands for the real package of this name"),
        ("url", "https://example.org"),
    ]
    info += [("builddate", str(MADE)), ("packager", "Mock packages <mock@example.org>")]
    info += [("size", "4096"), ("arch", "x86_64"), ("license", "custom")]
    for name, values in package.relations.items():
        info += [(name, value) for value in values if name != "pkgbase"]
    functions = [f"{name}() {{\n{body}\n}}\n" for name, body in package.scripts.items()]
    files: Files = {".PKGINFO": "".join(f"{name} = {value}\n" for name, value in info)}
    if functions:
        files[".INSTALL"] = "".join(functions)
    folders = {str(parent) for path in package.files for parent in Path(path).parents} - {"."}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in files:
            archive.addfile(*_member(name, files[name]))
        for name in sorted(folders):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, MADE
            archive.addfile(member)
        for name in sorted(package.files):
            archive.addfile(*_member(name, package.files[name]))
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=MADE)


def _member(name: str, content: bytes | str) -> tuple[tarfile.TarInfo, io.BytesIO]:
    data = content.encode() if isinstance(content, str) else content
    member = tarfile.TarInfo(name)
    member.mtime = MADE
    if data.startswith(b"->"):
        member.type, member.linkname, data = tarfile.SYMTYPE, data[2:].decode(), b""
    member.mode = 0o755 if data.startswith(b"#!") else 0o644
    member.size = len(data)
    return member, io.BytesIO(data)


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
    sources = [Path(__file__), *sorted(Path(__file__).parent.glob("mock_*.py"))]
    said = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    folder = roots.cache_folder() / f"{name}-{said[:12]}"
    below = roots.base(suite)
    with roots.locked(name):
        if not folder.exists():
            roots.remove_stale(f"{name}-*")
            part = folder.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            with roots.root_on([below], part) as root:
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


def give_gpu(root: roots.Root, device: str) -> None:
    """Puts an NVIDIA GPU of that PCI device (`0x2684` is a GeForce RTX 4090) on the root's bus."""
    slot = root.path / "sys/bus/pci/devices/0000:01:00.0"
    slot.mkdir(parents=True)
    for name, value in (("vendor", "0x10de"), ("device", device), ("class", "0x030000")):
        (slot / name).write_text(value + "\n", encoding="utf-8")


@contextmanager
def loaded(root: roots.Root) -> Iterator[None]:
    """As if the root's own kernel had been booted, and had loaded NVIDIA's driver."""
    kernel = next((root.path / "lib/modules").iterdir()).name
    library = next(root.path.glob("usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.*.*"))
    version = library.name.partition(".so.")[2]
    seen = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Thu Nov 20 2025\n"
    driver, booted = root.path / "proc/driver", root.path / "proc/sys/kernel/osrelease"
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as release, ExitStack() as undo:
        release.write(f"{kernel}\n")
        release.flush()
        for mount in (["-t", "tmpfs", "none", str(driver)], ["--bind", release.name, str(booted)]):
            subprocess.run(["mount", *mount], check=True)
            undo.callback(subprocess.run, ["umount", mount[-1]], check=True)
        (driver / "nvidia").mkdir()
        (driver / "nvidia/version").write_text(seen, encoding="utf-8")
        yield


def kill_at(point: str, root: roots.Root, running: subprocess.Popen[str]) -> None:
    """Cuts the power, as it were, when a package's script or a tool comes to `point` (see WAIT)."""
    gate = root.path / f"srv/wait-{point}"
    writer = -1
    while writer < 0:
        try:
            writer = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)  # an error while nobody reads
        except OSError:
            try:
                output, _ = running.communicate(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"it ended before it came to «{point}»:\n{output}") from None
    roots.kill_playbook(running)
    root.kill()
    os.close(writer)
    gate.unlink()


def hold_at(point: str, root: roots.Root) -> None:
    """Lets what comes to `point` in the root wait there."""
    os.mkfifo(root.path / f"srv/wait-{point}")
