"""The quick tier: what the newest stack's wheel has for GPUs, by its fat binaries, in seconds.

Every kernel of TensorFlow's own is counted, not one of each kind; a sample of its PTX goes through
the ptxas that the lock brings.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from plugins.plugin_utils.gpu_stack.stack_rows import Compiled, GpuSupport
from plugins.plugin_utils.versions import numbers
from tests.conftest import ROOT
from tests.cuda.test_loading import CAPABILITIES, NEWEST
from tests.support import fatbins
from tests.support.fake_gpu import FakeGpus

EVERY = 350  # of some 1,400 modules: the PTX of four
SITE = "lib/python3.*/site-packages"
MACHINE = ROOT / "tests/support/fake_cuda/machine.c"


@pytest.fixture(scope="module")
def kernels(gpus: FakeGpus) -> Counter[fatbins.Fatbin]:
    found = fatbins.scan(library(gpus))
    assert found.total() > 1000
    return found


def library(gpus: FakeGpus) -> Path:
    (path,) = gpus.environment.glob(f"{SITE}/tensorflow/libtensorflow_cc.so.2")
    return path


def pair(capability: str) -> tuple[int, int]:
    major, minor = numbers(capability)
    return major, minor


def lacking(kernels: Counter[fatbins.Fatbin], capability: str) -> int:
    """How many modules have nothing for the GPU."""
    return sum(
        count
        for fatbin, count in kernels.items()
        if not any(image.loads_on(pair(capability)) for image in fatbin)
    )


def claims(support: GpuSupport, capability: str) -> bool:
    return support.lowest <= numbers(capability) <= support.highest


def test_every_kernel_is_there_for_each_gpu_that_the_matrix_claims(
    kernels: Counter[fatbins.Fatbin],
) -> None:
    claimed = [each for each in CAPABILITIES if claims(NEWEST, each)]
    assert len(claimed) > 5
    assert {each: lacking(kernels, each) for each in claimed} == dict.fromkeys(claimed, 0)
    below = [each for each in CAPABILITIES if numbers(each) < (6, 0)]
    assert [each for each in below if lacking(kernels, each) == kernels.total()] == below


def newest_ptx(branch: int) -> tuple[int, int]:
    """The PTX that a driver compiles, by the fake driver's table."""
    rows = re.findall(r"\{(\d+), \d+, (\d+)\}", MACHINE.read_text(encoding="utf-8"))
    known = max((int(row[0]), int(row[1])) for row in rows if int(row[0]) <= branch)
    return divmod(known[1], 10)


def compiled_ones(row: Compiled) -> list[str]:
    """The GPUs of a row: from its capability up to the next row's."""
    return [
        each
        for each in CAPABILITIES
        if claims(NEWEST, each)
        and max(
            (r for r in NEWEST.compiled if numbers(r.capability) <= numbers(each)),
            key=lambda r: numbers(r.capability),
            default=None,
        )
        == row
    ]


@pytest.mark.parametrize("row", NEWEST.compiled, ids=lambda row: row.capability)
def test_the_oldest_driver_of_a_row_compiles_all_ptx(
    kernels: Counter[fatbins.Fatbin], row: Compiled
) -> None:
    gpus = compiled_ones(row)
    assert gpus
    wanted = {fatbins.needed(fatbin, pair(each)) for fatbin in kernels for each in gpus} - {None}
    assert wanted, "all of it is there as SASS"
    branch = int(row.driver.split(".")[0])
    assert max(filter(None, wanted)) <= newest_ptx(branch)


@pytest.mark.parametrize("row", NEWEST.compiled, ids=lambda row: row.capability)
def test_a_row_is_compiled_partly_where_the_wheel_has_the_other_kernels_ready(
    kernels: Counter[fatbins.Fatbin], row: Compiled
) -> None:
    for each in compiled_ones(row):
        ready = [fatbin for fatbin in kernels if fatbins.needed(fatbin, pair(each)) is None]
        assert bool(ready) == row.partly


def test_no_older_driver_than_hopper_s_compiles_all_ptx(kernels: Counter[fatbins.Fatbin]) -> None:
    """Hopper's floor is the PTX; Blackwell's is the first driver that knows such a GPU."""
    hopper = NEWEST.compiled[0]
    wanted = [fatbins.needed(fatbin, pair(hopper.capability)) for fatbin in kernels]
    branch = int(hopper.driver.split(".")[0])
    assert max(filter(None, wanted)) > newest_ptx(branch - 1)


def assembled(gpus: FakeGpus, folder: Path, text: str, number: str) -> str:
    """What ptxas says against the PTX for such a GPU, "" for nothing."""
    (ptxas,) = gpus.environment.glob(f"{SITE}/nvidia/cuda_nvcc/bin/ptxas")
    source = folder / "sample.ptx"
    source.write_text(text, encoding="utf-8")
    command = [str(ptxas), f"--gpu-name=sm_{number}", f"--output-file={folder}/out", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    "capability", [each for row in NEWEST.compiled for each in compiled_ones(row)]
)
def test_a_sample_of_the_ptx_assembles_for_each_gpu_it_is_compiled_for(
    gpus: FakeGpus, tmp_path: Path, capability: str
) -> None:
    number = capability.replace(".", "")
    samples = fatbins.ptx(library(gpus), EVERY)
    assert len(samples) > 3
    for text in samples:
        assert assembled(gpus, tmp_path, text, number) == ""


def test_ptx_for_hopper_alone_assembles_for_no_other(gpus: FakeGpus, tmp_path: Path) -> None:
    """As that of TensorFlow up to 2.20.0 is, which no Blackwell takes."""
    text = fatbins.ptx(library(gpus), 2000)[0].replace(".target sm_90", ".target sm_90a")
    assert ".target sm_90a" in text
    assert assembled(gpus, tmp_path, text, "90a") == ""
    assert "sm_90a" in assembled(gpus, tmp_path, text, "120")
