"""Libraries that the loader found elsewhere than in the environment, asked of a real process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.worker import libraries
from tests.conftest import ROOT

_CUDNN = "#include <stddef.h>\nsize_t cudnnGetVersion(void) { return 90100; }"
_CUBLAS = "int cublasGetProperty(int which, int *value) { *value = 12 + which; return 0; }"
_CUDART = "int cudaRuntimeGetVersion(int *value) { *value = 12050; return 0; }"
_OTHER = "int other(void) { return 0; }"
_ASKS = """
import ctypes, json, sys
from bench.worker import libraries
kept = [ctypes.CDLL(name) for name in sys.argv[1:]]
print(json.dumps(libraries.foreign()))
"""


def built(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    source, library = folder / "source.c", folder / name
    source.write_text(text, encoding="utf-8")
    soname = f"-Wl,-soname,{name}"
    subprocess.run(["gcc", "-shared", "-fPIC", soname, source, "-o", library], check=True)
    source.unlink()
    return library


def asked(*loads: str, **variables: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", _ASKS, *loads],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, str] = json.loads(done.stdout)
    return told


def test_an_environment_of_its_own_has_nothing_foreign() -> None:
    assert asked() == {}


def test_what_a_variable_brings_is_told_with_what_it_says_of_itself(tmp_path: Path) -> None:
    other = tmp_path / "other cuda"
    for name, text in (
        ("libcudnn.so.9", _CUDNN),
        ("libcublas.so.12", _CUBLAS),
        ("libcudart.so.12", _CUDART),
        ("libmine-2.7.1.so", _OTHER),
        ("libnccl.so.2", _OTHER),
    ):
        built(other, name, text)
    preloaded = built(tmp_path / "more", "libjemalloc.so.2.3.1", _OTHER)
    loads = sorted(path.name for path in other.iterdir())
    told = asked(*loads, LD_LIBRARY_PATH=str(other), LD_PRELOAD=str(preloaded))
    assert told == {
        "libcublas.so.12": f"12.13.14 in {other}",
        "libcudart.so.12": f"12.5.0 in {other}",
        "libcudnn.so.9": f"9.1.0 in {other}",
        "libjemalloc.so.2.3.1": f"2.3.1 in {preloaded.parent}",
        "libmine-2.7.1.so": f"2.7.1 in {other}",
        "libnccl.so.2": f"in {other}",
    }


def test_a_path_that_nothing_was_found_on_makes_no_difference(tmp_path: Path) -> None:
    built(tmp_path, "libcudnn.so.9", _CUDNN)
    assert asked(LD_LIBRARY_PATH=f"{tmp_path}:/usr/lib/x86_64-linux-gnu") == {}


_LINE = "7f0000000000-7f0000001000 r-xp 00000000 08:01 131 "


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/usr/local/cuda-12.4/lib64/libcufft.so.11.2.1", "11.2.1 in /usr/local/cuda-12.4/lib64"),
        ("/usr/lib/x86_64-linux-gnu/libcudnn.so.8.9.7", "8.9.7 in /usr/lib/x86_64-linux-gnu"),
        ("/opt/cuda/compat/libcuda.so.550.54.15", "550.54.15 in /opt/cuda/compat"),
        ("/opt/my libs/libtcmalloc.so.4 (deleted)", "in /opt/my libs"),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.1", None),
        ("/usr/local/nvidia/lib64/libcuda.so.580.159.04", None),
        ("/usr/local/nvidia/lib64/libnvidia-ml.so.580.159.04", None),
        ("/usr/lib64/libc.so.6", None),
        ("/home/me/project/fast.cpython-312-x86_64-linux-gnu.so", None),
        (f"{sys.prefix}/lib/python3/site-packages/nvidia/cudnn/lib/libcudnn.so.9", None),
        ("/home/me/data.npy", None),
        ("[vdso]", None),
    ],
)
def test_the_system_s_and_the_environment_s_own_are_passed_over(
    path: str, told: str | None, tmp_path: Path
) -> None:
    maps = tmp_path / "maps"
    maps.write_text(f"{_LINE}{path}\n{_LINE}\n", encoding="utf-8")
    assert list(libraries.foreign(maps).values()) == ([told] if told else [])


def test_a_kernel_that_shows_no_map_tells_of_nothing(tmp_path: Path) -> None:
    assert libraries.foreign(tmp_path / "none") == {}
