"""An NVML that does not answer, or answers what it should not, asked in a real child."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.observe import devices, nvml_probe
from tests.conftest import ROOT


@pytest.mark.parametrize("where", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetUUID"])
def test_an_nvml_that_hangs_anywhere_leaves_the_cpu_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    hangs = "import signal\ndef hang(*_):\n    signal.pause()\n"
    answers: dict[str, object] = {"nvmlInit": None, "nvmlDeviceGetCount": 1}
    answers |= {"nvmlDeviceGetHandleByIndex": 0}
    answers |= {"nvmlDeviceGetName": "GPU", "nvmlDeviceGetUUID": "GPU-1"}
    told = "".join(f"def {name}(*_): return {value!r}\n" for name, value in answers.items())
    (tmp_path / "pynvml.py").write_text(f"{hangs}{told}{where} = hang\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(nvml_probe, "why_not", functools.partial(nvml_probe.why_not, 3.0))
    found = devices.find()
    assert [device.id for device in found.devices] == ["cpu"]
    assert found.why_no_gpu is not None
    assert found.why_no_gpu.startswith("NVML does not answer within 3 s; ")


def test_an_nvml_that_crashes_is_not_called_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    (tmp_path / "pynvml.py").write_text(crash, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert devices.find().why_no_gpu == (
        "NVML broke off: its process was ended by SIGSEGV; libnvidia-ml.so.1 may be damaged: "
        "reinstall the NVIDIA driver"
    )


def _bus(folder: Path, *cards: tuple[str, str]) -> Path:
    for number, (kind, vendor) in enumerate(cards):
        card = folder / f"0000:0{number}:00.0"
        card.mkdir(parents=True)
        (card / "class").write_text(f"{kind}\n", encoding="ascii")
        (card / "vendor").write_text(f"{vendor}\n", encoding="ascii")
    return folder


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ([("0x030000", "0x10de")], "no NVIDIA driver installed (libnvidia-ml.so.1 not found)"),
        ([("0x030200", "0x1414")], "no NVIDIA driver installed (libnvidia-ml.so.1 not found)"),
        ([], "no NVIDIA driver installed (libnvidia-ml.so.1 not found)"),
        (
            [("0x030000", "0x1002"), ("0x020000", "0x10de")],
            "no NVIDIA GPU on the PCI bus (libnvidia-ml.so.1 not found)",
        ),
    ],
)
def test_a_machine_without_a_gpu_is_not_told_to_lack_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cards: list[tuple[str, str]], told: str
) -> None:
    monkeypatch.setattr(devices, "_PCI", _bus(tmp_path / "devices", *cards))
    monkeypatch.setattr(ctypes, "CDLL", _absent)
    assert devices._why_not_loaded() == told


def _absent(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file: No such file or directory")


_TELLS = """
import pynvml
from bench.observe import devices
devices._PCI = devices.Path("/no bus")
print(devices.find().why_no_gpu, devices.start_nvml(pynvml), sep="\\n")
"""
_FUNCTION = "int other(void) { return 0; }"


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("nothing", "no NVIDIA driver installed (libnvidia-ml.so.1 not found)"),
        ("link", "no NVIDIA driver installed (libnvidia-ml.so.1 not found)"),
        ("empty", "was found and cannot be loaded (FOLDER/libnvidia-ml.so.1: file too short)"),
        ("page", "was found and cannot be loaded (FOLDER/libnvidia-ml.so.1: invalid ELF header)"),
        ("folder", "was found and cannot be loaded (FOLDER/libnvidia-ml.so.1: cannot read file"),
        ("needy", "was found and cannot be loaded (libneeded.so: cannot open shared object file"),
        ("other", "libnvidia-ml.so.1 was loaded and lacks NVML's functions: reinstall the NVIDIA"),
    ],
)
def test_a_library_that_cannot_be_loaded_is_not_called_absent(
    tmp_path: Path, what: str, told: str
) -> None:
    library, source = tmp_path / "libnvidia-ml.so.1", tmp_path / "other.c"
    source.write_text(_FUNCTION, encoding="utf-8")
    build = ["gcc", "-shared", "-fPIC", str(source)]
    if what == "link":
        library.symlink_to(tmp_path / "gone")
    elif what == "folder":
        library.mkdir()
    elif what == "other":
        subprocess.run([*build, "-o", library], check=True)
    elif what == "needy":
        needed = tmp_path / "libneeded.so"
        subprocess.run([*build, "-o", needed], check=True)
        needs = ["-Wl,--no-as-needed", f"-L{tmp_path}", "-lneeded"]
        subprocess.run([*build, "-o", library, *needs], check=True)
        needed.unlink()
    elif what != "nothing":
        library.write_text("" if what == "empty" else "<html>" * 100, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-c", _TELLS],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(said) == 2
    assert said[0] == said[1]
    assert told.replace("FOLDER", str(tmp_path)) in said[0]


def test_an_nvml_that_reports_an_error_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pynvml.py").write_text("raise OSError('no library')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert nvml_probe.why_not() is None


def test_a_module_that_cannot_be_imported_leaves_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml_probe, "why_not", lambda: None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert str(devices.find().why_no_gpu).startswith("nvidia-ml-py cannot be imported: ")
