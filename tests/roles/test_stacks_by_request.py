"""The stacks that are for who asks for them, through the role tensorflow.

JAX, PyTorch and the nightly build: with wheels that stand in for the real ones, and this machine's
Python for the one that they are for; what the index has of the real ones is asked once a week.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from plugins.module_utils.elf import search_path
from plugins.modules.gpu_info import environment
from plugins.plugin_utils.gpu_stack.stack_rows import Stack
from plugins.plugin_utils.host_environment import Environment
from plugins.plugin_utils.typed import decode
from tests.support import stand_in_wheels
from tests.support.cache import cache_folder
from tests.support.environments import Prefix
from tests.support.weekly import weekly
from tests.unit.plans.recorded import MATRIX

STACKS = [stack for stack in MATRIX.stacks if not stack.tensorflow or stack.is_nightly]
UV = str(Path(sys.executable).with_name("uv"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the role installs one after the other; with the tools that another test has kept."""
    made = tmp_path_factory.mktemp("by_request")
    kept = sorted(cache_folder().glob("loader-*/tools"))
    if kept:
        shutil.copytree(kept[0], made / "prefix/tools", symlinks=True)
    return made


def prefix_of(stack: Stack, folder: Path, wheels: Path) -> Prefix:
    """The prefix, with a lock of stand-ins for the stack's newest Python and last machine."""
    pinned = stand_in_wheels.pins(stack.lock, stack.pythons[-1], stack.architectures[-1])
    assert pinned[stack.package if stack.tensorflow else stack.framework] == stack.version
    assert stack.gpu is not None
    lock = stand_in_wheels.lock(wheels, pinned)
    return Prefix(folder / "prefix", str(lock), stack.gpu.cudnn, stack.framework)


@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_the_role_installs_it_and_the_second_run_changes_nothing(
    stack: Stack, folder: Path, tmp_path: Path
) -> None:
    prefix = prefix_of(stack, folder, tmp_path)
    first = prefix.make()
    assert first.status == 0, first.output
    found = decode(environment(folder, "/prefix/tensorflow"), Environment, "the environment")
    assert found.trains == stack.title
    assert stack.gpu is not None
    assert found.cudnn == stack.gpu.cudnn_installed
    asked = "import os; print(os.environ.get('KERAS_BACKEND', ''))"
    own = "" if stack.framework == "tensorflow" else stack.framework
    assert prefix.run("-c", asked).strip() == own
    assert prefix.run("-c", asked, KERAS_BACKEND="tensorflow").strip() == "tensorflow"
    mended = prefix.site / "tensorflow/libtensorflow_framework.so.2"
    assert mended.exists() == stack.is_nightly
    if stack.is_nightly:  # as a release's
        assert "$ORIGIN/../nvidia/cusolver/lib" in search_path(mended).folders
    second = prefix.make()
    assert (second.status, second.recap["changed"]) == (0, 0), second.output


@weekly("asks the index for the locks of JAX, PyTorch and the nightly build")
@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_the_index_has_all_of_its_lock_for_every_python_and_machine(
    stack: Stack, tmp_path: Path
) -> None:
    """By name and hash, without fetching the wheels."""
    for architecture in stack.architectures:
        for python in stack.pythons:
            where = [f"--python-version={python}", f"--target={tmp_path / python}"]
            where += [f"--python-platform={architecture}-manylinux_2_35"]  # as Ubuntu 22.04
            command = [UV, "pip", "install", "--dry-run", "--require-hashes", "--no-deps"]
            command += ["--only-binary=:all:", "-r", str(stand_in_wheels.LOCKS / stack.lock)]
            done = subprocess.run([*command, *where], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            pinned = stand_in_wheels.pins(stack.lock, python, architecture)
            assert f"Would install {len(pinned)} packages" in done.stderr
