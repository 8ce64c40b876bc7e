# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""A virtual environment that holds exactly what a lock lists: whole, or not there at all.

It is made beside its place and renamed into it when it is whole, so a run that is killed leaves the
one before it, or none.  It is made again when the lock, the Python or what is installed differs.
"""

from __future__ import annotations

DOCUMENTATION = """
module: locked_environment
short_description: Makes a Python environment from hash-locked requirements
description:
  - Makes a virtual environment and installs a hash-locked list of requirements into it.
  - Installs with pip, or with the uv that O(uv) names, which is faster and brings Pythons.
  - Makes it again where a file is not as its package has recorded it, with that package anew.
  - Two runs on one host wait for each other.
  - A folder that is not such an environment is left alone, and named.
author: The Grindstone authors (@grindstone)
options:
  path:
    description: The environment's folder. Its parent is made as well.
    type: path
    required: true
  requirements:
    description: The text of the lock.
    type: str
    required: true
  python:
    description:
      - The interpreter to make it with, as a path.
      - A version, such as V(3.13), is brought by uv unless it is there; that needs O(uv).
      - Empty for the one that Ansible runs on.
    type: str
    default: ""
  uv:
    description: The uv to install with. Empty installs with pip.
    type: path
  cache:
    description: Where uv keeps what it has downloaded; on the same file system it takes no room.
    type: path
  pythons:
    description: Where uv puts the Pythons that it brings.
    type: path
  index:
    description: The package index to install from, instead of the one the host is set up for.
    type: str
    default: ""
  python_mirror:
    description: Where uv gets Pythons from, instead of where they are published.
    type: str
    default: ""
  proxy:
    description: The proxy to download through.
    type: str
    default: ""
  runtime_path:
    description:
      - Which libraries look where for others, before C(LD_LIBRARY_PATH) has its say (DT_RPATH).
      - A key is a library below C(site-packages), and may be a pattern.
      - Its value is a list of folders. A relative one is below C(site-packages), and may be a
        pattern; the library finds it from its own place, so that the environment can be moved.
      - An empty list leaves a library the folders that it has, and only puts them first.
    type: dict
    default: {}
  files:
    description: Texts to leave in C(site-packages) beside the packages, by their names.
    type: dict
    default: {}
  links:
    description: Symbolic links to make in C(site-packages), and what each leads to from its place.
    type: dict
    default: {}
  thorough:
    description: Compare the files of all packages with their hashes, not their sizes alone.
    type: bool
    default: false
  patchelf:
    description: The patchelf to do that with. O(runtime_path) needs it.
    type: path
"""

EXAMPLES = """
- name: Install TensorFlow
  grindstone.grindstone.locked_environment:
    path: /opt/grindstone/tensorflow
    requirements: "{{ lookup('ansible.builtin.file', 'tensorflow-2.21.0.txt') }}"
    python: /usr/bin/python3.11
    uv: /opt/grindstone/tools/bin/uv
    runtime_path:
      tensorflow/libtensorflow_framework.so.2: [nvidia/*/lib]
    patchelf: /opt/grindstone/tools/bin/patchelf
"""

RETURN = """
reason:
  description: Why it was made, empty where it was there.
  returned: always
  type: str
"""

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.environment_contents import (
    ALTERED,
    MakingError,
    damaged,
    first_difference,
    link,
    note_altered,
    owners,
    read,
    run,
    set_search_paths,
    site_packages,
)
from ..module_utils.passwords import hide_passwords

LOCK = "requirements.txt"  # the text that the environment was made of
PACKAGES = "packages.txt"  # what that came to
PARTS = {LOCK, PACKAGES, ALTERED, "pyvenv.cfg", ".gitignore", ".lock", "CACHEDIR.TAG"}
PARTS |= {"bin", "include", "lib", "lib64", "share", "etc", "man"}
# The host's own authorities, where it has any: a company's proxy is among them, and not among uv's.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def packages(path: Path) -> list[str]:
    """The names and versions of what is installed, such as `numpy-2.4.6`."""
    folders = path.glob("lib/python3.*/site-packages/*.dist-info")
    return sorted(folder.name[: -len(".dist-info")] for folder in folders)


def pins(requirements: str) -> str:
    """The lock without its hashes, a line for each requirement."""
    lines = [line.rstrip(" \\") for line in requirements.splitlines()]
    return "".join(f"{line}\n" for line in lines if line[:1].isalnum())


def why_make(
    path: Path, requirements: str, python: str, wishes: dict[str, Any] | None = None
) -> str:
    """Why the environment has to be made, "" where it is as it should be."""
    link = path / "bin/python"
    if not path.exists():
        return "it is not there"
    if not link.exists() or not link.is_symlink():
        return "its Python is gone"
    if "home = " not in read(path / "pyvenv.cfg"):
        return "its pyvenv.cfg is gone"
    if python.startswith("/"):
        fits = link.resolve() == Path(python).resolve()
    else:
        made_with = re.search(r"^version_info = (3\.\d+)", read(path / "pyvenv.cfg"), re.MULTILINE)
        fits = made_with is not None and made_with.group(1) == python
    if not fits:
        return f"its Python is not {python}"
    if read(path / LOCK) != requirements:
        return "the lock has changed"
    if read(path / PACKAGES).split() != packages(path):
        return "what is installed has drifted from the lock"
    if wishes and wishes.get("thorough"):
        try:
            check_python(str(link))
        except MakingError as error:
            return str(error)
    return first_difference(path, wishes or {})


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Holds the folder's lock: the other run on this host, if there is one, is waited for."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / ".lock"
    # Whatever lies there can be locked, a folder as well as a file.
    lock = os.open(place, os.O_RDONLY if place.exists() else os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def is_ours(path: Path) -> bool:
    """Whether the folder is an environment of this module, if a damaged one, or empty."""
    made = (path / LOCK).exists() or (path / PACKAGES).exists()
    return made or (path.is_dir() and not any(path.iterdir()))


def obstacle(path: Path) -> str:
    """What forbids to make the environment there, "" for nothing."""
    before = path.with_name(path.name + ".old")  # a run that was killed may have left a part of it
    names = {each.name for each in before.iterdir()} if before.is_dir() else set()
    ours = {path: is_ours(path), before: before.is_dir() and names <= PARTS}
    for place, mine in ours.items():
        if place.exists() and not mine:
            return f"{place} is somebody else's: move it away, or set another prefix"
    there = next(folder for folder in path.parents if folder.exists())
    if os.statvfs(there).f_flag & os.ST_NOEXEC:
        return f"{there} is mounted noexec: mount it with exec, or set another prefix"
    return ""


def commands(new: Path, prompt: str, uv: str, python: str) -> tuple[list[str], list[str]]:
    """What makes the environment `new`, and what installs the lock into it."""
    own, lock = str(new / "bin/python"), str(new / LOCK)
    if uv:
        where = "--no-python-downloads" if python.startswith("/") else "--managed-python"
        venv = [uv, "venv", "--relocatable", "--prompt", prompt, where, "--python", python]
        install = [uv, "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", own]
    else:
        venv = [python, "-m", "venv"]
        install = [own, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        install += ["--disable-pip-version-check", "--requirement"]
    return [*venv, str(new)], [*install, lock]


def make(path: Path, lock: int, params: dict[str, Any]) -> None:
    """Makes the environment beside its place, then puts it there."""
    new = path.with_name(path.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    venv, install = commands(new, path.name, params["uv"], params["python"])
    names = {
        "UV_CACHE_DIR": params["cache"],
        "UV_SYSTEM_CERTS": "1" if CERTIFICATES.exists() else "",
        "UV_PYTHON_INSTALL_DIR": params["pythons"],
        "UV_PYTHON_INSTALL_MIRROR": params["python_mirror"],
        "UV_DEFAULT_INDEX": params["index"],
        "PIP_INDEX_URL": params["index"],
        "HTTPS_PROXY": params["proxy"],
        "HTTP_PROXY": params["proxy"],
    }
    environment = {name: value for name, value in names.items() if value}
    try:
        if params["python"].startswith("/"):  # a Python of somebody's own may lack them
            check_python(params["python"], lock)
        elif params.get("thorough"):  # uv's own may be damaged, too
            reinstall = [params["uv"], "python", "install", "--reinstall", params["python"]]
            run(reinstall, environment, lock)
        try:
            run(venv, environment, lock)
        except MakingError as error:
            if params["python"].startswith("/"):
                raise
            raise MakingError(
                f"Python {params['python']} could not be brought ({error}): install it on the "
                "host, or name a mirror of it in tensorflow_python_mirror"
            ) from error
        (new / LOCK).write_text(params["requirements"], encoding="utf-8")
        run(install, environment, lock)
        ensure_whole(new, params.get("thorough", False), install, environment, lock)
        set_search_paths(new, params["runtime_path"], params["patchelf"], lock)
        link(new, params["links"])
        for name, text in params["files"].items():
            (site_packages(new) / name).write_text(text, encoding="utf-8")
        note_altered(new)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    (new / PACKAGES).write_text("".join(name + "\n" for name in packages(new)), encoding="utf-8")
    replace(path, new)


def ensure_whole(
    new: Path, thorough: bool, install: list[str], environment: dict[str, str], lock: int
) -> None:
    """Sees to it that all of the lock is there, and gets anew what uv's cache holds damaged.

    What is installed are hard links into the cache: a file that is cut short is so in both.

    Raises:
        MakingError: a package has gone elsewhere.
    """
    wrong = owners(new, damaged(new, thorough))
    if wrong and install[1:3] == ["pip", "sync"]:
        run([install[0], "cache", "clean", *wrong], environment, lock)
        run([*install[:3], "--reinstall", *install[3:]], environment, lock)
    there = {normal(name.rpartition("-")[0]) for name in packages(new)}
    for line in pins((new / LOCK).read_text(encoding="utf-8")).splitlines():
        pin = re.match(r"([\w.-]+)==[^\s;]+$", line)  # one without a marker is for every host
        if pin and normal(pin.group(1)) not in there:
            raise MakingError(
                f"{Path(install[0]).name} has put {line} elsewhere: do settings lead it there?"
            )


def normal(name: str) -> str:
    """A package's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def check_python(python: str, lock: int | None = None) -> None:
    """Sees to it that a Python starts, and has what TensorFlow and pip need of it.

    Raises:
        MakingError: it was built without.
    """
    try:
        run([python, "-c", "import ctypes, ssl, zlib"], {}, lock)
    except MakingError as error:
        raise MakingError(f"{error}: install a whole Python, or set plan_python") from error


def replace(path: Path, new: Path) -> None:
    """Puts the new folder in the place of the one that may be there."""
    old = path.with_name(path.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        try:
            path.rename(old)
        except OSError:  # a folder of a container's image can be removed, but not renamed
            shutil.rmtree(path)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "requirements": {"type": "str", "required": True},
            "python": {"type": "str", "default": ""},
            "uv": {"type": "path"},
            "cache": {"type": "path"},
            "pythons": {"type": "path"},
            "index": {"type": "str", "default": ""},
            "python_mirror": {"type": "str", "default": ""},
            "proxy": {"type": "str", "default": ""},
            "runtime_path": {"type": "dict", "default": {}},
            "files": {"type": "dict", "default": {}},
            "links": {"type": "dict", "default": {}},
            "thorough": {"type": "bool", "default": False},
            "patchelf": {"type": "path"},
        },
        supports_check_mode=True,
    )
    hide_passwords(module, "proxy", "index", "python_mirror")
    os.umask(0o022)  # what root makes here, everybody may use
    path = Path(module.params["path"])
    requirements = module.params["requirements"]
    if module.params["runtime_path"] and not module.params["patchelf"]:
        module.fail_json(msg="runtime_path needs patchelf: say where it is")
    module.params["python"] = module.params["python"] or sys.executable

    def why() -> str:
        return why_make(path, requirements, module.params["python"], module.params)

    diff = {"before": pins(read(path / LOCK)), "after": pins(requirements)}
    try:
        reason = why()
        if reason and obstacle(path):
            raise MakingError(obstacle(path))
        if reason and not module.check_mode:
            with locked(path.parent) as lock:
                if why():  # the run that was waited for may have made it
                    make(path, lock, module.params)
    except MakingError as error:
        module.fail_json(msg=f"{path} could not be made: {error}")
    except OSError as error:
        where = error.filename or path
        module.fail_json(msg=f"{path} could not be made: {where}: {error.strerror or error}")
    module.exit_json(changed=bool(reason), reason=reason, diff=diff if reason else {})


if __name__ == "__main__":
    main()
