"""What is found with NVML in every state it has been seen in.

The real nvidia-ml-py module, its constants and its errors; only the functions that would call into
the driver's library answer from recorded shapes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import msgspec
import psutil
import pynvml
import pytest

from bench.observe import devices, nvml_probe
from bench.observe.devices import Found
from bench.record.head import Device, Machine

H100 = "NVIDIA H100 80GB HBM3", "GPU-8f6d0c9e-2f33-4e0b-9d8f-1c2b3a4d5e6f"
GT1030 = "NVIDIA GeForce GT 1030", "GPU-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
DRIVER = "580.95.05"


class Nvml:
    """What the driver would answer."""

    def __init__(self) -> None:
        self.gpus = [H100, GT1030]
        self.slices: dict[int, dict[int, tuple[str, str]]] = {}
        self.fails_to_start: int | None = None
        self.lost: int | None = None
        self.open = 0

    def start(self) -> None:
        if self.fails_to_start is not None:
            raise pynvml.NVMLError(self.fails_to_start)
        self.open += 1

    def stop(self) -> None:
        self.open -= 1

    def handle(self, index: int) -> int:
        if index == self.lost:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return index

    def mig_mode(self, index: int) -> list[int]:
        """The mode now and after the next reset; a GT 1030 knows none."""
        if self.gpus[index] == GT1030:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        now = pynvml.NVML_DEVICE_MIG_ENABLE if index in self.slices else 0
        return [now, pynvml.NVML_DEVICE_MIG_DISABLE]

    def slice(self, index: int, number: int) -> tuple[str, str]:
        if number not in self.slices[index]:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return self.slices[index][number]

    def described(self, handle: int | tuple[str, str]) -> tuple[str, str]:
        """The name and UUID of a GPU's handle, or of a slice's."""
        return self.gpus[handle] if isinstance(handle, int) else handle

    def find(self) -> Found:
        found = devices.find()
        assert self.open == 0, "NVML was left open"
        return found


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Nvml:
    fake = Nvml()
    monkeypatch.setattr(nvml_probe, "why_not", lambda: None)  # a child has the real one
    monkeypatch.setattr(devices, "_PCI", Path("/no bus"))
    answers: dict[str, Callable[..., object]] = {
        "nvmlInit": fake.start,
        "nvmlShutdown": fake.stop,
        "nvmlSystemGetDriverVersion": lambda: DRIVER,
        "nvmlDeviceGetCount": lambda: len(fake.gpus),
        "nvmlDeviceGetHandleByIndex": fake.handle,
        "nvmlDeviceGetName": lambda handle: fake.described(handle)[0],
        "nvmlDeviceGetUUID": lambda handle: fake.described(handle)[1],
        "nvmlDeviceGetMigMode": fake.mig_mode,
        "nvmlDeviceGetMaxMigDeviceCount": lambda _handle: 7,
        "nvmlDeviceGetMigDeviceHandleByIndex": fake.slice,
    }
    for name, answer in answers.items():
        assert hasattr(pynvml, name)
        monkeypatch.setattr(pynvml, name, answer)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake


def _gpu(named: tuple[str, str], index: int, number: int | None = None) -> Device:
    return Device(named[0], index, number, uuids=(named[1],))


def _ids(found: Found) -> list[str]:
    return [device.id for device in found.devices]


def test_two_gpus_follow_the_cpu_in_pci_order(nvml: Nvml) -> None:
    found = nvml.find()
    assert found.devices[1:] == (_gpu(H100, 0), _gpu(GT1030, 1))
    assert found.devices[0].id == "cpu"
    assert (found.driver, found.why_no_gpu) == (DRIVER, None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "no NVIDIA driver installed"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "its kernel module is not loaded"),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "differ in version; reboot"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "NVML does not answer: Insufficient Permissions"),
        (pynvml.NVML_ERROR_UNKNOWN, "NVML does not answer: Unknown Error"),
    ],
)
def test_without_a_driver_that_answers_there_is_the_cpu_and_a_reason(
    nvml: Nvml, code: int, reason: str
) -> None:
    nvml.fails_to_start = code
    found = nvml.find()
    assert _ids(found) == ["cpu"]
    assert found.why_no_gpu is not None
    assert reason in found.why_no_gpu
    assert found.driver is None


def test_a_driver_that_shows_no_gpu_is_told_from_none_at_all(nvml: Nvml) -> None:
    nvml.gpus = []
    found = nvml.find()
    assert _ids(found) == ["cpu"]
    assert found.why_no_gpu == "the NVIDIA driver is loaded, but shows no GPU"
    assert found.driver == DRIVER


def test_a_gpu_lost_while_they_are_listed_is_a_reason_and_no_crash(nvml: Nvml) -> None:
    nvml.lost = 1
    found = nvml.find()
    assert _ids(found) == ["cpu"]
    assert found.why_no_gpu is not None
    assert "lost a GPU while listing them: GPU is lost" in found.why_no_gpu


@pytest.mark.usefixtures("nvml")
def test_neither_an_end_that_fails_nor_bytes_for_a_name_are_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends_ill = Mock(side_effect=pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN))
    monkeypatch.setattr(pynvml, "nvmlShutdown", ends_ill)
    assert _ids(devices.find()) == ["cpu", "gpu:0", "gpu:1"]
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda _handle: b"\xff".decode())
    assert devices.find().why_no_gpu == "NVML gives a GPU's name as bytes that are no text"


def test_the_package_that_shadows_nvidia_ml_py_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", ModuleType("pynvml"))
    found = devices.find()
    assert _ids(found) == ["cpu"]
    assert found.why_no_gpu is not None
    assert "pip uninstall pynvml" in found.why_no_gpu


@pytest.mark.parametrize(
    ("visible", "ids"),
    [
        ("0", ["gpu:0"]),
        ("1", ["gpu:1"]),
        ("0,1", ["gpu:0", "gpu:1"]),
        ("1,0", ["gpu:0", "gpu:1"]),
        (" 1 , 0 ", ["gpu:0", "gpu:1"]),
        (GT1030[1], ["gpu:1"]),
        ("GPU-8f6d", ["gpu:0"]),
        (f"1,{H100[1]}", ["gpu:0", "gpu:1"]),
        ("1,7,0", ["gpu:1"]),
        ("1,-1,0", ["gpu:1"]),
    ],
)
def test_cuda_visible_devices_leaves_the_gpus_that_cuda_would_see(
    nvml: Nvml, monkeypatch: pytest.MonkeyPatch, visible: str, ids: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert _ids(nvml.find()) == ["cpu", *ids]


@pytest.mark.parametrize("visible", ["-1", "", "7", "none", "GPU-ffff", "01"])
def test_gpus_that_are_hidden_are_said_to_be_hidden(
    nvml: Nvml, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = nvml.find()
    assert _ids(found) == ["cpu"]
    assert found.why_no_gpu == f"CUDA_VISIBLE_DEVICES={visible} hides them all"


# ---- GPUs that MIG divides


SLICES = {
    0: ("NVIDIA H100 80GB HBM3 MIG 3g.40gb", "MIG-1f0ab1d7-3c3e-5b5a-8d4c-6f0d1a2b3c4d"),
    2: ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "MIG-7e1bc2e8-4d4f-5c6b-9e5d-7a1e2b3c4d5e"),
}


def test_a_gpu_that_mig_divides_stands_there_as_its_slices(nvml: Nvml) -> None:
    nvml.slices = {0: SLICES}
    assert nvml.find().devices[1:] == (
        _gpu(SLICES[0], 0, 0),
        _gpu(SLICES[2], 0, 2),
        _gpu(GT1030, 1),
    )


def test_a_gpu_without_its_slices_is_none_to_train_on(nvml: Nvml) -> None:
    nvml.slices = {0: {}}
    assert _ids(nvml.find()) == ["cpu", "gpu:1"]
    nvml.gpus = [H100]
    found = nvml.find()
    assert _ids(found) == ["cpu"]
    assert found.why_no_gpu is not None
    assert found.why_no_gpu.startswith("MIG is on for every GPU and there is no slice; ")


@pytest.mark.parametrize(
    ("visible", "ids"),
    [
        (SLICES[2][1], ["gpu:0:2"]),
        ("MIG-1f0a", ["gpu:0:0"]),
        ("0", ["gpu:0:0"]),
        ("1,0", ["gpu:0:0", "gpu:1"]),
        ("2", []),
        (H100[1], []),
    ],
)
def test_cuda_visible_devices_chooses_among_slices(
    nvml: Nvml, monkeypatch: pytest.MonkeyPatch, visible: str, ids: list[str]
) -> None:
    nvml.slices = {0: SLICES}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert _ids(nvml.find()) == ["cpu", *ids]


def test_slices_train_at_the_same_time_but_never_one_network(nvml: Nvml) -> None:
    nvml.slices = {0: SLICES}
    found = nvml.find().devices
    (every,) = devices.device_groups(found[1:])
    assert (every.id, devices.replicas(every)) == ("all", 1)
    ids = [each.id for each in devices.per_device(every, found)]
    assert ids == ["gpu:0:0 of all", "gpu:0:2 of all", "gpu:1 of all"]


# ---- several GPUs


def test_one_gpu_is_not_several() -> None:
    assert devices.device_groups([]) == devices.device_groups([_gpu(H100, 0)]) == ()


def test_one_network_over_two_gpus_is_one_worker_that_sees_both() -> None:
    found = (Device("a processor"), _gpu(H100, 0), _gpu(GT1030, 1))
    gpus, every = devices.device_groups(found[1:])
    assert (gpus.id, gpus.name) == ("gpus", f"{H100[0]} + {GT1030[0]}")
    assert (devices.replicas(gpus), devices.per_device(gpus, found)) == (2, (gpus,))
    assert devices.environment(gpus)["CUDA_VISIBLE_DEVICES"] == f"{H100[1]},{GT1030[1]}"
    assert [each.uuids for each in devices.per_device(every, found)] == [(H100[1],), (GT1030[1],)]


def test_gpus_alike_are_counted_in_their_name() -> None:
    assert devices.device_groups([_gpu(H100, 0), _gpu(H100, 1)])[1].name == f"2 × {H100[0]}"


@pytest.mark.parametrize(("device", "visible"), [(0, H100[1]), (None, "-1")])
def test_a_worker_is_shown_its_gpu_by_uuid_and_a_cpus_worker_none(
    device: int | None, visible: str
) -> None:
    shown = devices.environment(Device("a processor") if device is None else _gpu(H100, device))
    assert shown["CUDA_VISIBLE_DEVICES"] == visible
    assert shown["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_the_processor_has_the_name_that_the_kernel_gives_it(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: AMD EPYC 9454P: 48-Core\n", "utf-8")
    assert devices.cpu_name(cpuinfo) == "AMD EPYC 9454P: 48-Core"


def test_where_the_kernel_gives_no_name_the_architecture_stands_in(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nCPU implementer\t: 0x41\n", "utf-8")
    assert devices.cpu_name(cpuinfo)
    assert ":" not in devices.cpu_name(cpuinfo)


FOUND = Found((Device("a processor"), _gpu(H100, 0)), driver=DRIVER)


def test_a_machine_is_described_by_what_its_numbers_depend_on() -> None:
    described = devices.describe_machine(FOUND)
    assert described.memory == psutil.virtual_memory().total
    assert described.cpu.affinity == tuple(sorted(os.sched_getaffinity(0)))
    assert (described.cpu.threads or 0) >= len(described.cpu.affinity) >= 1
    assert described.driver == DRIVER
    assert described.devices == FOUND.devices
    assert msgspec.json.decode(msgspec.json.encode(described), type=Machine) == described


def test_the_governor_is_the_kernels_or_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    governor = tmp_path / "scaling_governor"
    monkeypatch.setattr(devices, "_GOVERNOR", governor)
    assert devices.describe_machine(FOUND).cpu.governor is None
    governor.write_text("powersave\n", encoding="ascii")
    assert devices.describe_machine(FOUND).cpu.governor == "powersave"


def test_a_system_that_does_not_say_what_it_is_is_called_by_its_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing() -> dict[str, str]:
        raise OSError("no os-release")

    monkeypatch.setattr("platform.freedesktop_os_release", nothing)
    assert devices.describe_machine(FOUND).system == "Linux"
