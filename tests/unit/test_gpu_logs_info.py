"""What the module gpu_logs_info reads of a host's logs and leftovers."""

from __future__ import annotations

from pathlib import Path

from plugins.modules import gpu_logs_info
from tests.unit import hosts

MAKE_LOG = """\
DKMS make.log for nvidia-current-open-550.163.01 for kernel 6.12.107+deb13-amd64 (x86_64)
  CC [M]  nvidia/nv-pci.o
nvidia/nv-pci.c: In function 'nv_resize_pcie_bars':
nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'
make[3]: *** [nvidia/nv-pci.o] Error 1
"""
DKMS = "var/lib/dkms/nvidia-current-open/550.163.01"
LOGGED = hosts.DEBIAN_12 | {
    "etc/hostname": "gpu1\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 gpu1.example.org gpu1 # us\n",
    "etc/resolv.conf": "search example.org\nnameserver 10.0.0.1\n",
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/x\n"
        "ada:x:1000:1000:Ada Lovelace,,,:/home/ada:/bin/sh\n"
    ),
    "home/charles/.profile": "",
    "var/log/dmesg": "usb 1-1: new device\nNVRM: loading\nnvidia: Key was rejected by service\n",
    f"{DKMS}/build/make.log": MAKE_LOG,
    "usr/local/cuda-10.1/lib64/libcudart.so.10.1": "",
    "usr/local/cuda-12.5/targets/x86_64-linux/lib/libcudart.so.12": "",
    "usr/local/cuda-12.5/targets/x86_64-linux/lib/libcublas.so.12": "",
    "usr/local/cuda-11.0/README": "",
    "etc/grindstone/plan.json": '{"schema": 1}\n',
}
SITE_PACKAGES = "opt/grindstone/tensorflow/lib/python3.11/site-packages"
WITH_WHEELS = LOGGED | {
    f"{SITE_PACKAGES}/nvidia_cudnn_cu12-9.28.0.42.dist-info/METADATA": "",
    f"{SITE_PACKAGES}/nvidia/cuda_runtime/lib/libcudart.so.12": "",
    f"{SITE_PACKAGES}/nvidia/cuda_nvcc/bin/ptxas": "",
}


def test_the_logs_of_a_host_are_read(tmp_path: Path) -> None:
    told = gpu_logs_info.gather(hosts.write(tmp_path, WITH_WHEELS), "/opt/grindstone")
    assert told["logs"]["kernel"] == ["NVRM: loading", "nvidia: Key was rejected by service"]
    assert told["logs"]["builds"] == [
        {
            "module": "nvidia-current-open 550.163.01",
            "kernel": "6.12.107+deb13-amd64",
            "error": (
                "nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'"
            ),
            "log": f"/{DKMS}/build/make.log",
        }
    ]
    assert told["logs"]["environment"] == {
        "wheels": True,
        "cudnn": "9.28.0.42",
        "ptxas": True,
        "libdevice": False,
    }
    assert told["logs"]["toolkits"] == [
        {"path": "/usr/local/cuda-10.1", "cublas": False},
        {"path": "/usr/local/cuda-12.5", "cublas": True},
    ]
    assert told["files"] == {"plan.json": '{"schema": 1}'}
    assert told["private"]["hosts"] == ["example.org", "gpu1", "gpu1.example.org"]
    assert {"ada", "Ada Lovelace", "charles"} <= set(told["private"]["users"])
    assert "nobody" not in told["private"]["users"]


def test_a_build_that_went_well_in_the_end_is_not_told(tmp_path: Path) -> None:
    module = f"{DKMS}/6.12.107+deb13-amd64/x86_64/module/nvidia.ko.xz"
    root = hosts.write(tmp_path, LOGGED | {module: ""})
    assert gpu_logs_info.builds(root) == []


def test_a_host_without_any_of_these_logs_has_nothing_to_tell(tmp_path: Path) -> None:
    told = gpu_logs_info.gather(hosts.write(tmp_path, hosts.ARCH), "/opt/grindstone")["logs"]
    assert told == {
        "kernel": [],
        "gpus": [],
        "builds": [],
        "packages": [],
        "environment": {"wheels": False, "cudnn": "", "ptxas": False, "libdevice": False},
        "toolkits": [],
        "library_path": "",
    }


SMI = """==============NVSMI LOG==============

Driver Version                            : 550.54.15
Attached GPUs                             : 2
GPU 00000000:3B:00.0
    Product Name                          : NVIDIA A100-SXM4-80GB
    Serial Number                         : 1234567890123
    GPU UUID                              : GPU-00000000-1111-2222-3333-444444444444
    MIG Mode
        Current                           : Disabled
        Pending                           : Disabled
    Remapped Rows
        Correctable Error                 : 0
        Pending                           : Yes
        Bank Remap Availability Histogram
            Max                           : 640 bank(s)
    GPU Recovery Action                   : Reboot
    Temperature
        GPU Current Temp                  : 33 C
GPU 00000000:5E:00.0
    Fabric
        State                             : In Progress
    Processes                             : None
"""


def test_the_states_of_gpus_are_a_line_each_and_name_nobody() -> None:
    assert gpu_logs_info.gpu_states(SMI) == [
        "GPU 00000000:3B:00.0: MIG Mode Current : Disabled Pending : Disabled",
        (
            "GPU 00000000:3B:00.0: Remapped Rows Correctable Error : 0 Pending : Yes"
            " Bank Remap Availability Histogram Max : 640 bank(s)"
        ),
        "GPU 00000000:3B:00.0: GPU Recovery Action : Reboot",
        "GPU 00000000:5E:00.0: Fabric State : In Progress",
    ]
    assert gpu_logs_info.gpu_states("NVIDIA-SMI has failed because it couldn't communicate") == []
