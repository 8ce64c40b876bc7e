"""Imports modules once, and runs Python files in forks of itself: half of tests/support/forks.py.

PYTHON forked.py NUMBER LOCK MODULE…   # listens at the socket with that number

A client sends a line of JSON for a file, and gets its exit status.  With the last client it ends.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any


def main() -> None:
    """The command line."""
    number, lock, *modules = sys.argv[1:]
    os.set_inheritable(int(number), False)
    with socket.socket(fileno=int(number)) as listening:
        for name in modules:
            importlib.import_module(name)
        with selectors.DefaultSelector() as selector, open(lock, "w") as alone:  # noqa: PTH123
            selector.register(listening, selectors.EVENT_READ)
            while not serve(selector, listening) or not ended(selector, listening, alone.fileno()):
                pass


def serve(selector: selectors.BaseSelector, listening: socket.socket) -> bool:
    """Answers what has come; whether nobody is left."""
    for key, _ in selector.select():
        if key.fileobj is listening:
            client, _ = listening.accept()
            selector.register(client, selectors.EVENT_READ, client.makefile("r"))
        elif isinstance(key.fileobj, socket.socket):
            if line := key.data.readline():
                start(json.loads(line), key.fileobj, selector)
            else:
                selector.unregister(key.fileobj)
                key.data.close()
                key.fileobj.close()
        else:
            selector.unregister(key.fileobj)
            os.close(key.fd)
            child, client = key.data
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            with suppress(OSError):  # it has gone meanwhile
                client.sendall(f"{status}\n".encode())
    return len(selector.get_map()) == 1


def ended(selector: selectors.BaseSelector, listening: socket.socket, lock: int) -> bool:
    """Takes the socket away, unless somebody is about to connect."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if selector.select(0):
        fcntl.flock(lock, fcntl.LOCK_UN)
        return False
    os.unlink(listening.getsockname())  # noqa: PTH108
    return True


def start(asked: dict[str, Any], client: socket.socket, selector: selectors.BaseSelector) -> None:
    """Runs a file in a fork."""
    if child := os.fork():
        selector.register(os.pidfd_open(child), selectors.EVENT_READ, (child, client))
    else:
        become(asked)


def become(asked: dict[str, Any]) -> None:
    """Runs the file as if this process had been started with it, and ends."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.environ.update(asked["env"])
    sys.argv = [asked["file"], *asked["arguments"]]
    status = 1
    try:
        runpy.run_path(asked["file"], run_name="__main__")
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
