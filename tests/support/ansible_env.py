"""The environment in which the tests run Ansible's commands."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tests.support.cache import OLD_S, cache_folder, locked, remove_stale

# Of hosts that keep compiled what modules import; here it is not there.
PYTHONPATH = Path("/var/cache/compiled-modules")
# The name by which a root's modules find what runs them: see module_servers.
MODULE_SERVER = f"modules-{os.getpid()}"
HERE = Path(__file__).parents[2]
_COMPILED = Path(__file__).with_name("compiled") / "sitecustomize.py"
_CALLBACKS = Path(__file__).with_name("callbacks")


def ansible_environment(**variables: str) -> dict[str, str]:
    """With this checkout's settings, and Ansible's own output: its recap has all the counts."""
    own = {
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_CALLBACK_PLUGINS": str(_CALLBACKS),
        "KEPT_MODULES": str(_kept_modules()),
        "MODULE_SERVER": MODULE_SERVER,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(PYTHONPATH),
    }
    return {**os.environ, **own, **variables}


@cache
def _kept_modules() -> Path:
    """The folder of the packed modules of this checkout, and of this Ansible."""
    seen = [version("ansible-core"), version("ansible")]
    sources = sorted((HERE / "plugins").rglob("*.py"))
    seen += [f"{path} {path.stat().st_mtime_ns}" for path in sources]
    name = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:12]
    folder = cache_folder() / f"modules-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)  # it is in use
    remove_stale("modules-*")
    return folder


def compiled_folder() -> Path:
    """With which in PYTHONPATH a host keeps compiled what Ansible's modules import."""
    folder = cache_folder() / "compiled"
    with locked(folder.name):
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*/*"):
            if time.time() - old.stat().st_mtime > OLD_S:
                old.unlink()
        shutil.copy(_COMPILED, folder)
    return folder
