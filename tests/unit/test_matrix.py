"""The matrix against its locks and against what the wheels say of themselves."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
import zipfile
from email.parser import HeaderParser
from functools import cache
from operator import attrgetter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from plugins.plugin_utils.gpu_stack.stack_rows import GpuSupport, Stack
from plugins.plugin_utils.versions import numbers
from tests.support.cache import cache_folder
from tests.support.files import lay
from tests.unit.plans.recorded import MATRIX

LOCKS = Path(__file__).parents[2] / "roles/tensorflow/files"
# Those of JAX and PyTorch: test_matrix_frameworks.py.
STACKS = [stack for stack in MATRIX.stacks if stack.tensorflow]
FOR_GPUS = [(stack, stack.gpu) for stack in STACKS if stack.gpu]
OLDEST = (3, 10)  # the oldest Python that Grindstone offers


def pins(lock: str) -> dict[str, str]:
    """The versions that a lock lists."""
    text = (LOCKS / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


@cache
def index() -> str:
    """The package index that pip is set up for here, as its own help says it."""
    pip = shutil.which("pip3") or shutil.which("pip")
    if not pip:
        pytest.skip("the index is asked of pip, and there is none")
    said = subprocess.run([pip, "install", "--help"], capture_output=True, text=True, check=True)
    found = re.search(r"\(default (https?://\S+?)\)", re.sub(r"\s+", " ", said.stdout))
    if not found:
        pytest.skip("this pip does not say which index it uses")
    return found.group(1).rstrip("/")


def fetched(address: str, part: str = "") -> tuple[bytes, str]:
    """What is there, or `part` of its bytes, and the range that the answer is of."""
    request = urllib.request.Request(address, headers={"Range": f"bytes={part}"} if part else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), answer.headers.get("Content-Range", "")
    except urllib.error.HTTPError as error:
        error.close()
        raise
    except (urllib.error.URLError, TimeoutError) as error:
        pytest.skip(f"the package index cannot be reached: {type(error).__name__}")


class Distant(io.RawIOBase):
    """A file of the index's, of which only those parts are fetched that are read."""

    def __init__(self, address: str) -> None:
        self.address, self.place = address, 0
        _, said = fetched(address, "0-0")
        if not said:
            pytest.skip("the package index sends files as a whole only")
        self.size = int(said.rsplit("/", 1)[1])

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_CUR: self.place, io.SEEK_END: self.size}.get(whence, 0)
        return self.place

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.size, self.place + size)
        if end <= self.place:
            return b""
        data, _ = fetched(self.address, f"{self.place}-{end - 1}")
        self.place += len(data)
        return data


def from_wheel(address: str) -> str:
    """The METADATA of a wheel: by PEP 658 where the index has it, else out of the wheel."""
    try:
        return fetched(f"{address}.metadata")[0].decode()
    except urllib.error.HTTPError:
        with zipfile.ZipFile(Distant(address)) as wheel:
            name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
            return wheel.read(name).decode()


@cache
def wheels(version: str, package: str = "tensorflow") -> dict[str, str]:
    """The addresses of a release's wheels for Linux, by file name; they never change."""
    kept = cache_folder() / f"metadata/{package}-{version}.json"
    if not kept.exists():
        text = fetched(f"{index()}/{package}/")[0].decode()
        name = package.replace("-", "_")
        links = re.findall(rf'href="([^"#]*/({name}-[^"#/]*\.whl))', text)
        start = f"{name}-{version}-"
        of_it = {name: link for link, name in links if name.startswith(start) and "linux" in name}
        lay(kept, json.dumps(of_it))
    return dict(json.loads(kept.read_text(encoding="utf-8")))


@cache
def metadata(
    version: str, package: str = "tensorflow", architecture: str = "x86_64"
) -> tuple[SpecifierSet, list[Requirement]]:
    """Requires-Python and the requirements, from the newest wheel's METADATA."""
    of_it = wheels(version, package)
    name = max(each for each in of_it if architecture in each)
    kept = cache_folder() / f"metadata/{name}.metadata"
    if not kept.exists():
        kept.write_text(from_wheel(of_it[name]), encoding="utf-8")
    said = HeaderParser().parsestr(kept.read_text(encoding="utf-8"))
    requirements = [Requirement(each) for each in said.get_all("Requires-Dist", [])]
    return SpecifierSet(said["Requires-Python"]), requirements


def with_cuda(stack: Stack) -> dict[str, SpecifierSet]:
    """What `[and-cuda]` adds."""
    return {
        each.name: each.specifier
        for each in metadata(stack.tensorflow, stack.package)[1]
        if each.marker and 'extra == "and-cuda"' in str(each.marker)
    }


@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_a_stack_s_lock_brings_its_tensorflow_and_its_cudnn(stack: Stack) -> None:
    brought = pins(stack.lock)
    assert brought[stack.package] == stack.tensorflow
    cudnn = {each: version for each, version in brought.items() if "cudnn" in each}
    if stack.gpu:
        major = stack.gpu.cuda.split(".")[0]
        assert cudnn == {f"nvidia-cudnn-cu{major}": stack.gpu.cudnn_installed}
    else:
        assert not [each for each in brought if each.startswith("nvidia")]


def test_a_lock_for_the_system_s_cuda_brings_the_same_tensorflow_with_its_nccl_alone() -> None:
    with_system = [(stack, gpu.system_lock) for stack, gpu in FOR_GPUS if gpu.system_lock]
    assert with_system
    for stack, lock in with_system:
        brought, wheels = pins(lock), pins(stack.lock)
        assert brought["tensorflow"] == stack.tensorflow
        nvidia = {each for each in brought if each.startswith("nvidia")}
        assert len(nvidia) == 1
        assert all("nccl" in each and brought[each] == wheels[each] for each in nvidia)


def test_a_stack_that_is_pinned_has_a_newer_one_for_the_same_gpus_and_no_other_has() -> None:
    for number, (stack, gpu) in enumerate(FOR_GPUS):
        for_all = [
            each
            for _, each in FOR_GPUS[:number]
            if each.lowest <= gpu.lowest and gpu.highest <= each.highest
        ]
        assert bool(for_all) == stack.pinned


def test_no_stack_for_gpus_before_turing_has_a_cudnn_that_dropped_them() -> None:
    for _, gpu in FOR_GPUS:
        if gpu.lowest < (7, 5):
            assert numbers(gpu.cudnn_installed) <= (9, 10, 2, 21)


def test_a_stack_that_xla_compiles_for_brings_the_ptxas_that_can() -> None:
    compiling = [
        (stack, row) for stack, gpu in FOR_GPUS for row in gpu.compiled if numbers(row.ptxas)
    ]
    assert compiling
    for stack, row in compiling:
        (ptxas,) = [version for each, version in pins(stack.lock).items() if "cuda-nvcc" in each]
        assert numbers(ptxas) >= numbers(row.ptxas)


def test_a_gpu_that_kernels_are_compiled_for_has_a_floor_no_lower_than_its_cuda_s() -> None:
    """12.0 came before 10.3, so that the rows need not rise with the compute capability."""
    for stack, gpu in FOR_GPUS:
        assert min([numbers(row.driver) for row in gpu.compiled], default=(999,)) >= numbers(
            gpu.driver
        ), stack.name


def test_a_system_s_cudnn_is_newer_than_the_one_that_fails_and_still_has_the_kernels() -> None:
    for stack, gpu in FOR_GPUS:
        if gpu.system_cudnn:
            assert numbers(gpu.system_cudnn) > (9, 5, 1, 17), stack.name
            assert gpu.lowest >= (7, 5) or numbers(gpu.system_cudnn) <= (9, 10, 2, 21)


def test_no_broken_release_is_in_a_stack() -> None:
    offered = {stack.tensorflow for stack in STACKS}
    assert offered.isdisjoint(row.tensorflow for row in MATRIX.broken)
    assert offered.issuperset(row.instead for row in MATRIX.broken)


@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_a_stack_s_pythons_are_those_that_there_are_wheels_for(stack: Stack) -> None:
    for architecture in stack.architectures:
        tags = [
            tag
            for wheel in wheels(stack.tensorflow, stack.package)
            if architecture in wheel
            for tag in parse_wheel_filename(wheel)[3]
        ]
        built = {(3, int(tag.interpreter[3:])) for tag in tags if tag.interpreter[:3] == "cp3"}
        expected = [f"3.{minor}" for _, minor in sorted(built) if (3, minor) >= OLDEST]
        # A nightly's lock is for the newest alone, which no release is for.
        assert list(stack.pythons) == (expected[-1:] if stack.is_nightly else expected)
    takes, _ = metadata(stack.tensorflow, stack.package)
    assert all(f"{python}.0" in takes for python in stack.pythons)


@pytest.mark.parametrize("stack", STACKS, ids=attrgetter("name"))
def test_a_stack_s_glibc_is_that_of_its_wheels(stack: Stack) -> None:
    said = {
        f"{match.group(1)}.{match.group(2)}"
        for wheel in wheels(stack.tensorflow, stack.package)
        if (match := re.search(r"manylinux_(\d+)_(\d+)_", wheel))
    }
    assert said == {stack.glibc}


@pytest.mark.parametrize("stack", [stack for stack, _ in FOR_GPUS], ids=attrgetter("name"))
def test_a_lock_keeps_to_what_tensorflow_asks_of_cuda(stack: Stack) -> None:
    asked = with_cuda(stack)
    brought = pins(stack.lock)
    # TF-TRT alone needs it, and there is none for Python 3.11.
    left_out = {each for each in asked if each not in brought}
    assert left_out <= {"tensorrt"}
    for each, specifier in asked.items():
        if each not in left_out:
            assert brought[each] in specifier, each


@pytest.mark.parametrize(("stack", "gpu"), FOR_GPUS, ids=[stack.name for stack, _ in FOR_GPUS])
def test_a_stack_s_cuda_and_cudnn_are_the_least_that_tensorflow_asks_for(
    stack: Stack, gpu: GpuSupport
) -> None:
    asked = with_cuda(stack)
    major = gpu.cuda.split(".")[0]

    def least(package: str) -> str:
        return next(each.version for each in asked[package] if each.operator in ("==", ">="))

    assert least(f"nvidia-cudnn-cu{major}") == gpu.cudnn
    assert least(f"nvidia-cuda-nvcc-cu{major}").startswith(f"{gpu.cuda}.")
