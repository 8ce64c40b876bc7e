"""The verification of driver, libraries and cuDNN, on folders of files."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roles.verify.files.verify import cuda, driver
from tests.support.files import lay
from tests.support.verification import KERNEL, PLAN, failure

NVRM = "proc/driver/nvidia/version"
MODULE = f"lib/modules/{KERNEL}/updates/dkms/nvidia-current.ko.xz"
LOADED = (
    "NVRM version: NVIDIA UNIX {flavour} Kernel Module{arch}  {version}  Release Build  (dvs)\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14+deb12u1)\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host whose driver works, on Debian's paths."""
    version = LOADED.format(flavour="x86_64", arch="", version="535.261.03")
    lay(tmp_path / NVRM, version)
    lay(tmp_path / "proc/sys/kernel/osrelease", KERNEL + "\n")
    lay(tmp_path / MODULE)
    lay(tmp_path / "usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.535.261.03")
    for name in ("nvidiactl", "nvidia-uvm", "nvidia0", "nvidia1"):
        lay(tmp_path / f"dev/{name}")
    return tmp_path


def test_a_working_driver_is_said_with_its_version_and_flavour(root: Path) -> None:
    assert driver.driver(PLAN, root) == "535.261.03 (proprietary), module and libraries alike"
    assert driver.device_nodes(PLAN, root) == "nvidiactl, nvidia-uvm, nvidia0, nvidia1"
    text = LOADED.format(flavour="Open", arch=" for x86_64", version="580.95.05")
    lay(root / NVRM, text)
    lay(root / "usr/lib/libcuda.so.580.95.05")
    assert driver.driver(PLAN, root) == "580.95.05 (open), module and libraries alike"


LIBRARY = "usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.535.261.03"
OLDER = "6.1.0-49-amd64"


@pytest.mark.parametrize(
    ("lacking", "there", "found", "advice"),
    [
        (
            [LIBRARY],
            {"usr/lib/libcuda.so.580.95.05": ""},
            "the loaded module is 535.261.03, the libraries are 580.95.05",
            "reboot; site.yml holds",
        ),
        ([LIBRARY], {}, "its library libcuda.so is not on this host", "run site.yml"),
        ([NVRM], {"sys/module/nouveau/x": ""}, "nouveau holds the GPU", "reboot; if it comes back"),
        (
            [NVRM],
            {},
            f"NVIDIA's module is there for kernel {KERNEL}, and not loaded",
            "Key was rejected by service",
        ),
        (
            [NVRM],
            {"proc/sys/kernel/osrelease": f"{OLDER}\n"},
            f"the running kernel {OLDER} has no NVIDIA module; it was built for {KERNEL}",
            "reboot into the newer kernel",
        ),
        ([NVRM, MODULE], {}, f"the running kernel {KERNEL} has no NVIDIA module", "headers"),
        (["dev/nvidia1"], {}, "/dev/nvidia1 missing", "nvidia-smi makes them"),
        (["dev/nvidia-uvm"], {}, "CUDA_ERROR_UNKNOWN for all but root", "nvidia-modprobe"),
    ],
)
def test_what_is_wrong_with_a_driver_is_named_with_what_to_do(
    root: Path, lacking: list[str], there: dict[str, str], found: str, advice: str
) -> None:
    for name in lacking:
        (root / name).unlink()
    for name, text in there.items():
        lay(root / name, text)
    check = driver.device_nodes if lacking[0].startswith("dev/") else driver.driver
    said, what_to_do = failure(check, PLAN, root)
    assert found in said
    assert advice in what_to_do


MOUNTED = "usr/local/nvidia/lib64/libcuda.so.535.261.03"


@pytest.mark.parametrize(
    ("there", "link"),
    [
        ({MOUNTED: ""}, ("", "")),
        ({"run/opengl-driver/lib/libcuda.so.535.261.03": ""}, ("", "")),
        (
            {
                "opt/nvidia/current/lib64/libcuda.so.535.261.03": "",
                "etc/ld.so.conf.d/nvidia.conf": "# Flatcar\n/opt/nvidia/current/lib64\n",
            },
            ("", ""),
        ),
        (
            {
                "apps/nvidia/lib/libcuda.so.535.261.03": "",
                "proc/self/environ": "A=1\0LD_LIBRARY_PATH=/none:/apps/nvidia/lib:\0",
            },
            ("", ""),
        ),
        (
            {"srv/driver/libcuda.so.535.261.03": ""},
            ("usr/lib/libcuda.so.1", "../../srv/driver/libcuda.so.535.261.03"),
        ),
        (
            {
                ".singularity.d/libs/libcuda.so.1": "ELF",
                ".singularity.d/libs/libnvidia-glcore.so.535.261.03": "ELF",
                ".singularity.d/libs/libnvidia-ml.so.1": "ELF",
            },
            ("", ""),
        ),
    ],
    ids=["device plugin", "NixOS", "loader's settings", "LD_LIBRARY_PATH", "link", "Apptainer"],
)
def test_a_driver_that_another_system_has_mounted_is_found(
    root: Path, there: dict[str, str], link: tuple[str, str]
) -> None:
    (root / LIBRARY).unlink()
    for name, text in there.items():
        lay(root / name, text)
    place, target = link
    if place:
        (root / place).symlink_to(target)
    assert driver.driver(PLAN, root) == "535.261.03 (proprietary), module and libraries alike"


def loader(*lacking: str, folder: str = f"{sys.prefix}/lib") -> Callable[[str], Any]:
    """A stand-in for TensorFlow's loader, which opens all but the named."""
    return lambda name: None if name in lacking else cuda.Library(f"{folder}/{name}", 1)


def test_libraries_that_open_from_the_environment_are_said_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cuda, "opened", loader())
    assert cuda.libraries(PLAN) == f"7 of {sys.prefix}"
    monkeypatch.setattr(cuda, "opened", loader(folder="/usr/lib"))
    assert cuda.libraries(PLAN) == "7 open"


@pytest.mark.parametrize(
    ("version", "cudnn", "library", "said"),
    [
        ("12.5", "9.3.0.75", "libcusolver.so.11", "TensorFlow's loader cannot open {} ("),
        ("12.5", "9.3.0.75", "libcudnn.so.9", "TensorFlow's loader cannot open {} ("),
        ("11.8", "8.7.0.84", "libcudart.so.11.0", "TensorFlow's loader cannot open {} ("),
        ("12.5", "9.3.0.75", "libcuda.so.1", "the driver's {} cannot be"),
    ],
)
def test_a_library_that_does_not_open_is_named(
    monkeypatch: pytest.MonkeyPatch, version: str, cudnn: str, library: str, said: str
) -> None:
    monkeypatch.setattr(cuda, "opened", loader(library))
    found, _ = failure(cuda.libraries, {"cuda": {"version": version, "cudnn": cudnn}})
    assert found.startswith(said.format(library))


@pytest.mark.parametrize(
    ("number", "built", "version"),
    [(90300, "9.3.0.75", "9.3.0"), (92800, "9.3.0.75", "9.28.0"), (8907, "8.7.0.84", "8.9.7")],
)
def test_a_cudnn_as_new_as_the_one_built_with_is_good(
    monkeypatch: pytest.MonkeyPatch, number: int, built: str, version: str
) -> None:
    run_cudnn(monkeypatch, number)
    assert cuda.cudnn({"cuda": {"cudnn": built}}) == f"{version}, built with {built}"


def test_an_older_cudnn_is_refused_with_the_library_path_as_the_suspect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_cudnn(monkeypatch, 90100)
    found, advice = failure(cuda.cudnn, PLAN)
    assert "cuDNN 9.1.0 is opened" in found
    assert "built with 9.3.0.75" in found
    assert advice.startswith("unset LD_LIBRARY_PATH")


def run_cudnn(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(cuda, "opened", loader())
    library = types.SimpleNamespace(cudnnGetVersion=lambda: number)
    monkeypatch.setattr("ctypes.CDLL", lambda _: library)
