"""What runs Ansible's modules in roots: forks of one Python for each Debian.

Nine tenths of what a small module costs are Python's start and the import of Ansible's own code.
Without a compiler for the client, every module has a Python of its own.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.support.ansible_env import MODULE_SERVER, PYTHONPATH, compiled_folder

PYTHON = "/usr/bin/python3"
_FOLDER = Path(__file__).with_name("forked_modules")
_SITE = sysconfig.get_path("purelib")  # where this environment has Ansible
_CLIENT = _FOLDER / "client.c"
_UNIT = """[Service]
ExecStart=sh -c '{python} -B - {address} /srv/modules 3 3</proc </srv/modules/server.py'
[Install]
WantedBy=multi-user.target
"""
_SERVERS: dict[str, subprocess.Popen[str]] = {}  # by the name of their Python, "python3.11"


@functools.cache
def interpreter() -> str:
    """The path, in every root, of what takes a module on its standard input."""
    return str(PYTHONPATH / client.name) if (client := _client()) else PYTHON


@functools.cache
def _client() -> Path | None:
    if not shutil.which("gcc"):
        return None
    client = compiled_folder() / "python3"
    if not client.exists() or client.stat().st_mtime < _CLIENT.stat().st_mtime:
        part = client.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-static", "-O1", "-o", str(part), str(_CLIENT)], check=True)
        part.rename(client)
    return client


def serve(base: Path) -> None:
    """Starts the server of a Debian's Python, where none of this process runs yet."""
    version = (base / PYTHON[1:]).readlink().name
    if version not in _SERVERS and interpreter() != PYTHON:
        _SERVERS[version] = _start(base, version)


def _start(base: Path, version: str) -> subprocess.Popen[str]:
    """Has it import this environment's Ansible, and waits for that; it ends with this process."""
    site = base / "mnt"
    subprocess.run(["mount", "--bind", _SITE, str(site)], check=True)
    proc = os.open("/proc", os.O_RDONLY)
    arguments = [f"{MODULE_SERVER}-{version}", f"/{site.name}", str(proc)]
    with (_FOLDER / "server.py").open(encoding="utf-8") as source:
        server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "chroot", str(base), PYTHON, "-B", "-", *arguments],
            stdin=source,
            stdout=subprocess.PIPE,
            pass_fds=[proc],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            text=True,
        )
    os.close(proc)
    atexit.register(_end, server)
    assert server.stdout
    assert server.stdout.readline(), f"{server.args!r} ended with {server.wait()}"
    subprocess.run(["umount", str(site)], check=True)
    return server


@dataclass(frozen=True)
class ForHost:
    """What a host behind ssh needs for it.

    interpreter: what Ansible takes for its Python.
    environment: of what runs there, as sshd's SetEnv takes it.
    server: what a shell there runs beside the rest.
    """

    interpreter: str
    environment: str
    server: str


@functools.cache
def for_host(python: str) -> ForHost:
    """For a host whose Python that is."""
    if not (client := _client()):
        return ForHost(python, "", "true")
    environment = f"MODULE_SERVER={MODULE_SERVER} MODULE_PYTHON={python}"
    address = f"{MODULE_SERVER}-{Path(python).name}"
    server = f"{python} -B - {address} {_SITE} 3 3</proc <{_FOLDER}/server.py"
    return ForHost(str(client), environment, server)


def install(root: Path, address: str) -> None:
    """Has a server start with the machine that boots from `root`."""
    folder, ansible = root / "srv/modules", Path(_SITE) / "ansible"
    folder.mkdir()
    shutil.copy(_FOLDER / "server.py", folder)
    for name in ("_vendor", "module_utils"):
        shutil.copytree(ansible / name, folder / "ansible" / name)
    for name in ("__init__.py", "release.py"):
        shutil.copy2(ansible / name, folder / "ansible")
    version = (root / PYTHON[1:]).readlink().name
    unit = _UNIT.format(python=PYTHON, address=f"{address}-{version}")
    (root / "etc/systemd/system/modules.service").write_text(unit, encoding="utf-8")
    subprocess.run(["systemctl", "--quiet", f"--root={root}", "enable", "modules"], check=True)


def _end(server: subprocess.Popen[str]) -> None:
    server.kill()
    server.communicate()
