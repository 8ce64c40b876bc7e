"""The first machine with a GPU that Grindstone was tried on: an H100 in a container."""

from __future__ import annotations

from pathlib import Path

from plugins.modules import gpu_info
from plugins.plugin_utils.gpu_stack.block import describe
from plugins.plugin_utils.gpu_stack.options import Options
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.host_facts import parse
from tests.unit import hosts
from tests.unit.plans.recorded import MATRIX

DRIVER = "580.159.04"
MOUNTED = "usr/local/nvidia/lib64"  # a file system of the container's host
HOST = hosts.merged(
    hosts.system("Ubuntu", "ubuntu", "24.04"),
    hosts.python("3.12"),
    hosts.debs("libcudnn9-cuda-13 9.14.0.64-1"),
    hosts.device("0000:00:06.0", "0x10de", "0x2330", "0x030200"),
    {
        ".dockerenv": "",
        "proc/driver/nvidia/version": (
            f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {DRIVER}  Release Build  "
            "(nixbld@)  \nGCC version:  gcc version 15.3.0 (GCC) \n"
        ),
        "proc/driver/nvidia/gpus/0000:00:06.0/information": (
            "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 41\nGPU Excluded:\t No\n"
        ),
        f"{MOUNTED}/libcuda.so.{DRIVER}": "",
        f"{MOUNTED}/libcuda.so.1": f"->libcuda.so.{DRIVER}",
        "lib": "->usr/lib",
        "usr/lib/libcuda.so.1": f"->/{MOUNTED}/libcuda.so.1",
        "usr/local/cuda-13.0/version.json": '{"cuda": {"version": "13.0.96"}}',
        "etc/ld.so.conf.d/nvidia.conf": "/usr/local/nvidia/lib\n/usr/local/cuda/lib64\n",
        **{f"dev/{name}": "" for name in ("nvidia0", "nvidiactl", "nvidia-uvm")},
    },
)


def test_the_first_h100_gets_the_newest_stack_on_the_driver_that_is_lent(tmp_path: Path) -> None:
    found = gpu_info.look(hosts.write(tmp_path, HOST), "/opt/grindstone")
    facts = parse(found | {"free_mb": 100_000})
    plan = resolve(facts, Options(), MATRIX)
    block = "\n".join(describe(plan, facts, MATRIX, "here"))
    assert "Plan for here: 1 change (TensorFlow 2.21.0, CUDA 12.5)\n" in block
    assert "GPU          H100 80GB HBM3 (Hopper) at 0000:00:06.0, compute capability 9.0" in block
    assert f"driver       {DRIVER}: the container's host brings the driver\n" in block
    assert "stays as is  /usr/local/cuda-13.0 (CUDA 13.0, not TensorFlow's)" in block
    assert "stack turing (GPUs 7.5 to 12.1), in /opt/grindstone/tensorflow" in block
    assert "install" not in block
