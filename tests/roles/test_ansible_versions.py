"""The range of ansible-core that meta/runtime.yml states: its lowest and the newest that is locked.

The tests' own is between them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from docs.collection import build
from tests.conftest import ROOT
from tests.support.cache import cache_folder, locked
from tests.support.program import to_the_end

RUNTIME = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")
LOWEST = RUNTIME["requires_ansible"].removeprefix(">=")
NEWEST = re.findall(r"^ansible-core==([\d.]+)", LOCK, re.MULTILINE)[-1]
# The Pythons on the controller that each runs under (ansible-core's support matrix).
PYTHONS = {LOWEST: ("3.10", "3.11", "3.12"), NEWEST: ("3.12", "3.13", "3.14")}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the collection is installed."""
    folder = tmp_path_factory.mktemp("collections")
    with tarfile.open(build(folder)) as packed:
        packed.extractall(folder / "ansible_collections/grindstone/grindstone", filter="data")
    return folder


def ansible(version: str) -> Path:
    """The Python of an environment with this ansible-core, kept from one run to the next."""
    starts = [name for name in PYTHONS[version] if _starts(name)]
    if not starts:
        pytest.skip(f"ansible-core {version} needs Python {' or '.join(PYTHONS[version])}")
    folder = cache_folder() / f"ansible-core-{version}-{starts[0]}"
    with locked(folder.name):
        if not (folder / ".whole").exists():
            uv = [sys.executable, "-m", "uv", "--quiet"]
            found = str(shutil.which(f"python{starts[0]}"))
            subprocess.run([*uv, "venv", "--clear", "--python", found, str(folder)], check=True)
            install = [*uv, "pip", "install", "--python", str(folder)]
            subprocess.run([*install, f"ansible-core=={version}", "msgspec"], check=True)
            (folder / ".whole").touch()
    return folder / "bin/python"


def _starts(name: str) -> bool:
    found = shutil.which(f"python{name}")
    return found is not None and not subprocess.run([found, "-c", ""], check=False).returncode


@pytest.mark.usefixtures("room_for_a_plan")
@pytest.mark.parametrize("version", [LOWEST, NEWEST])
def test_plan_and_check_work(version: str, collections: Path, tmp_path: Path) -> None:
    python = ansible(version)
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    }
    here = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    for playbook, *more in (["plan"], ["site", "--check", "-e", f"plan_prefix={tmp_path}/there"]):
        done = to_the_end(
            [
                python,
                "-m",
                "ansible",
                "playbook",
                f"grindstone.grindstone.{playbook}",
                *here,
                *more,
            ],
            cwd=tmp_path,
            env=environment,
            together=True,
        )
        assert done.returncode == 0, done.stdout
        assert re.search(r"Plan for localhost: .*\(TensorFlow ", done.stdout)
        assert "[WARNING]: Collection grindstone" not in done.stdout
    assert not (tmp_path / "there").exists()


def test_the_lowest_is_below_the_tests_own_and_the_newest_is_not_below_it() -> None:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(".")]

    import ansible.release

    own = numbers(ansible.release.__version__)
    assert numbers(LOWEST) < own <= numbers(NEWEST)
