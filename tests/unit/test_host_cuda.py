"""CUDA and cuDNN on a host, and who put them there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.module_utils import host_cuda, host_packages
from tests.unit import hosts
from tests.unit.hosts import arch_packages, debs, merged

VERSION_JSON = json.dumps({"cuda": {"name": "CUDA SDK", "version": "12.5.1"}, "nccl": {}})
CUDNN_H = "#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 0\n#define CUDNN_PATCHLEVEL 5\n"
Found = list[tuple[str, str, str]]


def look(root: Path, host: hosts.Host) -> tuple[Found, Found]:
    """The toolkits and the cuDNN libraries: version, path, origin."""
    packages = host_packages.installed(host_packages.known(hosts.write(root, host)))
    parts = (host_cuda.cuda(root, packages), host_cuda.cudnn(root, packages))
    toolkits, libraries = (
        [(each["version"], each["path"], each["origin"]) for each in found] for found in parts
    )
    return toolkits, libraries


def test_a_host_without_cuda_has_none(tmp_path: Path) -> None:
    assert look(tmp_path, merged(hosts.DEBIAN_12, debs("bash 5.2"))) == ([], [])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(
            {"usr/local/cuda-11.0/version.txt": "CUDA Version 11.0.228\n"},
            [("11.0", "/usr/local/cuda-11.0", "runfile")],
            id="11.0 by its text",
        ),
        pytest.param(
            {"usr/local/cuda-12.5/version.json": VERSION_JSON}
            | debs("cuda-cudart-12-5 12.5.82-1", "cuda-toolkit-12-5 12.5.1-1"),
            [("12.5", "/usr/local/cuda-12.5", "nvidia")],
            id="12.5 by its JSON and package",
        ),
        pytest.param(
            {"usr/local/cuda-12.5/version.json": VERSION_JSON} | debs("cuda-toolkit-12-55 1"),
            [("12.5", "/usr/local/cuda-12.5", "runfile")],
            id="another toolkit's package",
        ),
        pytest.param(
            {"usr/local/cuda-12.5/version.json": VERSION_JSON}
            | debs("cuda-toolkit-12-5 12.5.1-1\nStatus: deinstall ok config-files"),
            [("12.5", "/usr/local/cuda-12.5", "runfile")],
            id="a package that was removed",
        ),
        pytest.param(
            {"usr/local/cuda-12.6/version.json": '{"cuda": {"version'},
            [("12.6", "/usr/local/cuda-12.6", "runfile")],
            id="damaged JSON",
        ),
        pytest.param(
            {"usr/local/cuda-12.6/version.json": "[12, 6]"},
            [("12.6", "/usr/local/cuda-12.6", "runfile")],
            id="JSON of something else",
        ),
        pytest.param(
            {"usr/local/cuda-12.6/bin/nvcc": "", "usr/local/cuda": "->cuda-12.6"},
            [("12.6", "/usr/local/cuda-12.6", "runfile")],
            id="its other name counts once",
        ),
        pytest.param(
            debs("nvidia-cuda-toolkit 11.8.89~11.8.0-5~deb12u1"),
            [("11.8", "/usr", "distribution")],
            id="Debian's",
        ),
        pytest.param(
            debs("nvidia-cuda-toolkit 11.8.89~11.8.0-5\nStatus: deinstall ok config-files"),
            [],
            id="Debian's, removed",
        ),
        pytest.param(
            merged(arch_packages("cuda 13.0.2-1"), {"opt/cuda/bin/nvcc": ""}),
            [("13.0", "/opt/cuda", "distribution")],
            id="Arch's",
        ),
        pytest.param({"usr/local/cuda-gdb/x": "", "usr/local/cuda-12.5": ""}, [], id="others"),
        pytest.param(
            {"usr/local/cuda/version.txt": "CUDA Version 10.2.89\n", "usr/local/cuda/bin/nvcc": ""},
            [("10.2", "/usr/local/cuda", "runfile")],
            id="a folder without a version in its name",
        ),
        pytest.param({"usr/local/cuda/bin/x": ""}, [], id="a folder without any version"),
        pytest.param(
            {
                "usr/local/cuda-11.0": "->/data/cuda-11.0",
                "data/cuda-11.0/version.txt": "CUDA Version 11.0.228\n",
                "usr/local/cuda": "->/etc/alternatives/cuda",
                "etc/alternatives/cuda": "->/usr/local/cuda-11.0",
            },
            [("11.0", "/usr/local/cuda-11.0", "runfile")],
            id="on another disk, with its other name",
        ),
    ],
)
def test_a_toolkit_is_known_by_its_version_place_and_origin(
    tmp_path: Path, host: hosts.Host, expected: Found
) -> None:
    assert look(tmp_path, host)[0] == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(
            debs("libcudnn9-cuda-12 9.3.0.75-1", "libcudnn9-dev-cuda-12 9.3.0.75-1"),
            [("9.3.0.75", "/usr/lib", "nvidia")],
            id="9 by its package",
        ),
        pytest.param(
            debs("libcudnn8 8.9.7.29-1+cuda12.2"),
            [("8.9.7.29", "/usr/lib", "nvidia")],
            id="8 by its package",
        ),
        pytest.param(
            arch_packages("cudnn 9.16.0.29-1"),
            [("9.16.0.29", "/usr/lib", "distribution")],
            id="Arch's",
        ),
        pytest.param(
            debs("libcudnn9-cuda-12 9.3.0.75-1\nStatus: deinstall ok config-files"),
            [],
            id="removed",
        ),
        pytest.param(
            {
                "usr/local/cuda-11.0/lib64": "->targets/x86_64-linux/lib",
                "usr/local/cuda-11.0/targets/x86_64-linux/lib/libcudnn.so.8.0.5": "",
                "usr/local/cuda-11.0/targets/x86_64-linux/lib/libcudnn.so.8": "->libcudnn.so.8.0.5",
                "usr/local/cuda": "->cuda-11.0",
            },
            [("8.0.5", "/usr/local/cuda-11.0/lib64", "runfile")],
            id="by its file in a toolkit",
        ),
        pytest.param(
            {"usr/lib/x86_64-linux-gnu/libcudnn.so.8.9.7": ""},
            [("8.9.7", "/usr/lib/x86_64-linux-gnu", "runfile")],
            id="by its file",
        ),
        pytest.param(
            debs("libcudnn9-cuda-12 9.3.0.75-1")
            | {
                "usr/lib/x86_64-linux-gnu/libcudnn.so.9.3.0": "",
                "usr/local/cuda-11.0/lib64/libcudnn.so.8.0.5": "",
            },
            [
                ("9.3.0.75", "/usr/lib", "nvidia"),
                ("8.0.5", "/usr/local/cuda-11.0/lib64", "runfile"),
            ],
            id="a package's own file counts once, a copy beside it too",
        ),
        pytest.param(
            {"usr/local/cuda-11.0/lib64/libcudnn.so.8": ""}
            | {"usr/local/cuda-11.0/include/cudnn_version.h": CUDNN_H},
            [("8.0.5", "/usr/local/cuda-11.0/lib64", "runfile")],
            id="by its header",
        ),
        pytest.param(
            {"usr/lib/x86_64-linux-gnu/libcudnn.so.7": "", "usr/include/cudnn.h": CUDNN_H},
            [("7", "/usr/lib/x86_64-linux-gnu", "runfile")],
            id="another version's header",
        ),
        pytest.param(
            {"usr/local/cuda-11.0/include/cudnn_version.h": CUDNN_H}, [], id="a header alone"
        ),
    ],
)
def test_cudnn_is_known_by_its_package_or_its_file(
    tmp_path: Path, host: hosts.Host, expected: Found
) -> None:
    assert look(tmp_path, host)[1] == expected
