"""Runs Ansible's modules in forks of a Python that has imported what every one of them imports.

    python3 - NAME FOLDER PROC <server.py

NAME: of the socket, on which client.c asks.  FOLDER: has `ansible`.  PROC: a descriptor of /proc.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Iterator
from typing import NoReturn

IMPORTED = (
    "ansible.module_utils._internal._ansiballz._loader",  # and with it all of `basic`
    *("base64", "datetime", "runpy", "shutil", "tempfile", "zipfile"),
)


class InArchive:
    """A package's path: what is not imported yet lies in the archive that a module came in."""

    def __init__(self, package: str) -> None:
        self._folder = package.replace(".", "/")

    def __iter__(self) -> Iterator[str]:
        return (f"{path}/{self._folder}" for path in sys.path if path.endswith(".zip"))


def main(address: str, folder: str, proc: int) -> NoReturn:
    """Answers until it is killed."""
    sys.path.append(folder)
    for name in IMPORTED:
        importlib.import_module(name)
    sys.path.remove(folder)
    for package, module in sys.modules.items():
        if package.partition(".")[0] == "ansible" and hasattr(module, "__path__"):
            module.__path__ = InArchive(package)  # type: ignore[assignment]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is forgotten
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"\0{address}")
    listening.listen(64)
    print(flush=True)
    while True:
        asked, _ = listening.accept()
        if not os.fork():
            run(asked, proc)
        asked.close()


def run(asked: socket.socket, proc: int) -> NoReturn:
    """Becomes the Python that the client would have been, and tells it how that ended."""
    _, given, _, _ = socket.recv_fds(asked, 1, 3)
    # All that is still to be heard of the client is its end: SIGIO then ends what runs for it.
    os.setsid()
    fcntl.fcntl(asked, fcntl.F_SETOWN, -os.getpid())
    fcntl.fcntl(asked, fcntl.F_SETFL, fcntl.FASYNC)
    become(asked, proc)
    for number, descriptor in enumerate(given):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = [""]
    status = 1
    try:
        with open(0, encoding="utf-8", closefd=False) as source:
            code = compile(source.read(), "<stdin>", "exec")
        exec(code, {"__name__": "__main__"})
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
        if isinstance(ended.code, str):
            status = 1
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    fcntl.fcntl(asked, fcntl.F_SETFL, 0)
    asked.send(bytes([status & 0xFF]))
    os._exit(0)


def become(asked: socket.socket, proc: int) -> None:
    """Takes the client's root, working directory and environment."""
    credentials = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    client = os.open(str(struct.unpack("3i", credentials)[0]), os.O_RDONLY, dir_fd=proc)
    opened = [os.open(name, os.O_RDONLY, dir_fd=client) for name in ("environ", "root", "cwd")]
    environment, root, folder = opened
    with os.fdopen(environment, "rb") as file:
        variables = dict(entry.split(b"=", 1) for entry in file.read().split(b"\0") if entry)
    os.fchdir(root)
    os.chroot(".")
    os.fchdir(folder)
    for descriptor in (proc, client, root, folder):
        os.close(descriptor)
    os.environb.clear()
    os.environb.update(variables)
    sys.path.insert(1, os.environ["PYTHONPATH"])
    sys.modules.pop("sitecustomize", None)
    importlib.import_module("sitecustomize")  # what keeps compiled what is not imported yet


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
