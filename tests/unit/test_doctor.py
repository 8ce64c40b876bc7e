"""What the doctor finds on hosts in every state, and what it lets out of the house."""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from plugins.filter.gpu_doctor import gpu_doctor, gpu_doctor_bundle
from plugins.module_utils.gpu_doctor import (
    SYMPTOMS,
    Finding,
    Look,
    Redaction,
    describe,
    examine,
    recognise,
    sum_up,
)
from plugins.modules import gpu_bundle, gpu_info, gpu_logs_info
from plugins.plugin_utils.gpu_stack import Plan
from tests.unit import hosts
from tests.unit.plans.recorded import Recorded, outcome
from tests.unit.plans.recorded import hosts as recorded_hosts

RUNNING, NEXT = "6.1.0-49-amd64", "6.1.0-50-amd64"
ADA = {
    "address": "0000:01:00.0",
    "device": "0x2684",
    "chip": "AD102",
    "generation": "Ada",
    "compute_capability": "8.9",
    "name": "GeForce RTX 4090",
    "bound": "nvidia",
}
PASCAL = {**ADA, "chip": "GP102", "generation": "Pascal", "compute_capability": "6.1", "name": "P"}
MAXWELL = {**ADA, "generation": "Maxwell", "compute_capability": "5.2", "name": "M"}
BLACKWELL = {
    **ADA,
    "generation": "Blackwell",
    "compute_capability": "12.0",
    "name": "GeForce RTX 5090",
}
MODULE = {"version": "535.261.03", "flavour": "proprietary", "path": "/lib/modules/nvidia.ko"}


def stage(name: str, state: str = "passed", found: str = "") -> dict[str, str]:
    return {"stage": name, "state": state, "found": found}


HEALTHY: dict[str, Any] = {
    "found": {
        "distribution": {"id": "debian", "name": "Debian", "version": "12", "codename": "bookworm"},
        "architecture": "x86_64",
        "kernel": RUNNING,
        "environment": {"python": "3.11", "tensorflow": "2.21.0"},
        "gpus": [ADA],
        "kernels": {
            "running": RUNNING,
            "next": NEXT,
            "installed": [
                {"release": name, "flavour": "amd64", "headers": True, "nvidia": MODULE}
                for name in (RUNNING, NEXT)
            ],
        },
        "driver": {
            "loaded": "535.261.03",
            "loaded_flavour": "proprietary",
            "libraries": "535.261.03",
            "nouveau": False,
            "nouveau_blacklisted": True,
            "origin": "distribution",
            "branch": "535",
            "packages": [
                {"name": "nvidia-driver", "version": "535.261.03-1", "origin": "distribution"}
            ],
            "devices": ["/dev/nvidia0", "/dev/nvidiactl"],
            "uvm": True,
        },
        "secure_boot": {"state": "disabled", "key": "", "enrolled": False, "staged": False},
        "packages": {"manager": "apt", "half_installed": [], "locked": False},
        "processes": [],
        "owned": {"open": [], "packages": []},
        "library_path": [],
        "cudnn": [],
        "reboot_required": False,
    },
    "logs": {
        "kernel": ["NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.261.03"],
        "environment": {"wheels": True, "cudnn": "9.28.0.42", "ptxas": True, "libdevice": True},
    },
    "plan": {
        "driver": {"action": "keep"},
        "cuda": {"action": "wheels", "cudnn": "9.3.0.75"},
        "tensorflow": {"python": "3.11", "reason": "Debian's own python3, in its range"},
    },
    "refusal": "",
    "verify": {"ok": True, "failure": "", "stages": [stage("import"), stage("GPU product")]},
}
NOT_LOADED = {
    "found.driver.loaded": "",
    "found.driver.loaded_flavour": "",
    "found.driver.devices": [],
    "found.driver.uvm": False,
    "found.gpus": [{**ADA, "bound": ""}],
    "verify": {},
}
NO_DRIVER = {
    **NOT_LOADED,
    "found.driver.libraries": "",
    "found.driver.packages": [],
    "found.driver.origin": "",
    "found.kernels.installed": [],
}
REJECTED = "Loading of unsigned module is rejected"
BUILD = {
    "module": "nvidia-current-open 550.163.01",
    "kernel": RUNNING,
    "error": "nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'",
    "log": "/var/lib/dkms/nvidia-current-open/550.163.01/build/make.log",
}


def kernels(running: bool, following: bool, headers: bool = True) -> list[dict[str, Any]]:
    """Both kernels, with a module or without."""
    return [
        {"release": name, "flavour": "amd64", "headers": headers, "nvidia": MODULE if has else {}}
        for name, has in ((RUNNING, running), (NEXT, following))
    ]


def failed(found: str) -> dict[str, Any]:
    """A proof whose stage on the GPU failed with these words."""
    stages = [stage("import"), stage("GPU product", "failed", found)]
    return {"ok": False, "failure": f"GPU product failed: {found}; try", "stages": stages}


def host(**changes: Any) -> Look:
    """The healthy host with changes, each named by its path."""
    state = deepcopy(HEALTHY)
    for path, value in changes.items():
        *folders, last = path.split(".")
        part = state
        for name in folders:
            part = part[name]
        part[last] = value
    return Look(**state)


UNPROVEN: dict[str, Any] = {"verify": {}}
CASES: dict[str, list[tuple[dict[str, Any], str, str]]] = {
    "wrong kernel module": [
        (
            {**UNPROVEN, "found.gpus": [BLACKWELL], "verify": {"stages": [stage("GPU product")]}},
            "RTX 5090 .* with the proprietary module",
            "site.yml",
        ),
        (
            {"found.gpus": [PASCAL], "found.driver.loaded_flavour": "open"},
            "P .* with the open module",
            "site.yml",
        ),
        (
            {
                **NOT_LOADED,
                "found.driver.nouveau": True,
                "found.driver.nouveau_blacklisted": False,
            },
            "nouveau is loaded and not blacklisted",
            "site.yml",
        ),
    ],
    "GPU does not start": [
        (
            {
                "logs.kernel": ["NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x62:0x40:2393)"],
                "found.driver.devices": [],
                "verify": {},
            },
            "RmInitAdapter failed",
            "sudo nvidia-bug-report.sh",
        ),
        (
            {"logs.kernel": ["NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."]},
            "fallen off",
            "sudo nvidia-bug-report.sh",
        ),
    ],
    "module not built": [
        (
            {**NOT_LOADED, "found.kernels.installed": kernels(False, False), "logs.builds": [BUILD]}
            | {"found.packages.half_installed": ["nvidia-kernel-dkms"]},
            "550.163.01 for kernel 6.1.0-49-amd64: .*too few arguments",
            "plan_driver_origin=nvidia",
        ),
    ],
    "package manager stuck": [
        (
            {"found.packages.half_installed": ["libcublas-12-5"]},
            "half installed: libcublas-12-5",
            "sudo dpkg --configure -a && ",
        ),
        (
            {"found.packages.manager": "pacman", "found.packages.locked": True},
            "pacman's lock",
            "sudo rm /var/lib/pacman/db.lck && ",
        ),
        (
            {
                "found.driver.packages": [
                    {"name": "nvidia-driver", "version": "1", "origin": "distribution"},
                    {"name": "cuda-drivers", "version": "2", "origin": "nvidia"},
                ]
            },
            "come from distribution and nvidia",
            "sudo apt-get --fix-broken install && ansible-playbook site.yml",
        ),
        (
            {"logs.packages": ["cuda-10-1 : Depends: cuda-runtime-10-1 but it is not installable"]},
            "cuda-runtime-10-1",
            "sudo apt-get --fix-broken install",
        ),
    ],
    "kernel outdated": [
        (
            {**NOT_LOADED, "found.kernels.installed": kernels(False, True)}
            | {"found.reboot_required": True},
            f"{RUNNING} is running; the module is for {NEXT}",
            "sudo systemctl reboot",
        ),
    ],
    "module rejected": [
        ({**NOT_LOADED, "logs.kernel": [REJECTED]}, "unsigned module", "site.yml"),
        (
            {
                **NOT_LOADED,
                "found.secure_boot.state": "enabled",
                "found.secure_boot.key": "/var/lib/dkms/mok.pub",
            },
            "is not enrolled",
            "sudo mokutil --import /var/lib/dkms/mok.pub",
        ),
        (
            {
                **NOT_LOADED,
                "found.reboot_required": False,
                "found.secure_boot": {
                    "state": "enabled",
                    "key": "/k",
                    "enrolled": False,
                    "staged": True,
                },
            },
            "waits for MokManager",
            "Enroll MOK",
        ),
    ],
    "unfinished run": [
        (
            {**NOT_LOADED, "found.reboot_required": True, "found.driver.nouveau": True},
            "has not been rebooted since",
            "sudo systemctl reboot",
        ),
        (
            {
                **NO_DRIVER,
                "found.owned.open": ["nvidia_driver"],
                "found.packages.half_installed": ["nvidia-kernel-dkms"],
            },
            "cut off in nvidia_driver",
            "ansible-playbook site.yml",
        ),
    ],
    "no module for the kernel": [
        (
            {**NOT_LOADED, "found.kernels.installed": kernels(False, False, headers=False)},
            f"running kernel {RUNNING} has no nvidia module, nor the headers",
            "ansible-playbook site.yml",
        ),
        (
            {"found.kernels.installed": kernels(True, False)},
            f"next kernel {NEXT} has no nvidia module",
            "ansible-playbook site.yml",
        ),
        (dict(NOT_LOADED), "it is not loaded", "sudo modprobe nvidia"),
    ],
    "versions differ": [
        (
            {"found.driver.libraries": "535.288.01", "verify": failed("no GPU is listed")},
            "module is 535.261.03, the libraries are 535.288.01",
            "sudo systemctl reboot",
        ),
    ],
    "no driver": [
        (
            dict(NO_DRIVER),
            "RTX 4090 .*no NVIDIA driver is installed or loaded",
            "ansible-playbook site.yml",
        ),
        (
            {**NO_DRIVER, "found.container": "docker"},
            "this container has no loaded driver and no libcuda",
            "nvidia-ctk runtime configure",
        ),
        (
            {
                "found.gpus": [],
                "found.wsl": True,
                "verify": failed("Could not find cuda drivers on your machine"),
            },
            "cuda drivers",
            "wsl.exe --shutdown",
        ),
    ],
    "no device nodes": [
        ({**UNPROVEN, "found.driver.uvm": False}, "nvidia_uvm is not", "modprobe nvidia_uvm"),
        ({**UNPROVEN, "found.driver.devices": []}, "no /dev/nvidia0", "sudo nvidia-modprobe"),
    ],
    "GPU newer than the wheels": [
        (
            {
                "found.gpus": [BLACKWELL],
                "found.driver.loaded_flavour": "open",
                "verify": {},
            },
            "RTX 5090",
            "nvcr.io/nvidia/tensorflow:25.02-tf2-py3",
        ),
    ],
    "GPU older than the wheel": [
        (
            {**UNPROVEN, "found.gpus": [MAXWELL], "logs.environment": {"cudnn": "9.3.0.75"}},
            "M .*TensorFlow 2.21.0 needs 6.0",
            "plan_tensorflow=2.16.2",
        ),
    ],
    "no Python for TensorFlow": [
        (
            {
                **UNPROVEN,
                "found.environment": {"python": "", "tensorflow": ""},
                "plan.tensorflow": {"reason": "python3 is 3.14; TensorFlow takes 3.10 to 3.13"},
            },
            "python3 is 3.14",
            "ansible-playbook site.yml",
        ),
    ],
    "TensorRT's wheels missing": [
        (
            {"found.environment.tensorflow": "2.15.0"},
            "2.15.0 is installed",
            "tensorflow[and-cuda]==2.15.1",
        ),
    ],
    "cuBLAS missing": [
        (
            {
                "plan.cuda": {"action": "system", "prefix": "/usr/local/cuda-12.5"},
                "logs.toolkits": [{"path": "/usr/local/cuda-12.5", "cublas": False}],
                "verify": failed("Cannot dlopen some GPU libraries"),
            },
            "/usr/local/cuda-12.5 has no libcublas",
            "plan_cuda=wheels",
        ),
    ],
    "libraries not opened": [
        ({"found.environment.tensorflow": "2.16.1"}, "2.16.1 is installed", "site.yml"),
        (
            {"verify": failed("Cannot dlopen some GPU libraries. Skipping registering GPU")},
            "Cannot dlopen",
            "site.yml",
        ),
    ],
    "cuDNN too old": [
        (
            {
                **UNPROVEN,
                "found.library_path": [
                    {"path": "/usr/local/cuda-11.0/lib64", "file": "/etc/profile.d/cuda.sh"}
                ],
                "found.cudnn": [
                    {
                        "version": "8.0.4",
                        "path": "/usr/local/cuda-11.0/lib64/libcudnn.so.8",
                        "origin": "",
                    }
                ],
            },
            "/etc/profile.d/cuda.sh puts /usr/local/cuda-11.0/lib64 first, with cuDNN 8.0.4",
            r"'\|LD_LIBRARY_PATH.*/usr/local/cuda-11.0/lib64|d' /etc/profile.d/cuda.sh",
        ),
        (
            {
                "verify": failed(
                    "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0"
                )
            },
            "9.1.0",
            "unset LD_LIBRARY_PATH",
        ),
    ],
    "cuDNN too new": [
        ({**UNPROVEN, "found.gpus": [PASCAL]}, "cuDNN 9.28.0.42 with P", "site.yml"),
    ],
    "XLA cannot compile": [
        (
            {**UNPROVEN, "logs.environment": {"wheels": True, "ptxas": True, "libdevice": False}},
            "no libdevice",
            "site.yml",
        ),
        (
            {"verify": failed("Couldn't invoke ptxas --version")},
            "Couldn't invoke ptxas",
            "site.yml",
        ),
    ],
}
FLAT = [(name, *case) for name, cases in CASES.items() for case in cases]


def test_a_healthy_host_has_no_finding() -> None:
    assert examine(host()) == []


def test_a_healthy_host_without_a_gpu_has_no_finding() -> None:
    nothing = {"loaded": "", "libraries": "", "packages": []}
    plain = host(**{"found.gpus": [], "found.driver": nothing, "found.kernels.installed": []})
    assert examine(plain) == []


def test_every_symptom_has_a_host_that_shows_it() -> None:
    assert set(CASES) == {symptom.name for symptom in SYMPTOMS}
    assert len(SYMPTOMS) == 20


@pytest.mark.parametrize(("name", "changes", "evidence", "mend"), FLAT)
def test_each_symptom_is_found_alone_with_what_shows_it_and_what_mends_it(
    name: str, changes: dict[str, Any], evidence: str, mend: str
) -> None:
    findings = examine(host(**changes))
    assert [finding.symptom for finding in findings] == [name]
    assert re.search(evidence, findings[0].evidence), findings[0].evidence
    assert mend in findings[0].mend
    assert findings[0].cause


TEXTS = {
    "Could not find cuda drivers on your machine, GPU will not be used.": "no driver",
    "Cannot dlopen some GPU libraries. Skipping registering GPU devices...": "libraries not opened",
    "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0": "cuDNN too old",
    "FAILED_PRECONDITION: DNN library initialization failed.": "cuDNN too old",
    "Can't find libdevice directory ${CUDA_DIR}/nvvm/libdevice": "XLA cannot compile",
    "libdevice not found at ./libdevice.10.bc": "XLA cannot compile",
    "Couldn't invoke ptxas --version": "XLA cannot compile",
    "CUDA_ERROR_INVALID_PTX: a PTX JIT compilation failed": "GPU newer than the wheels",
    "CUDA_ERROR_INVALID_HANDLE": "GPU newer than the wheels",
    "TensorFlow was not built with CUDA kernel binaries compatible with compute capability 12.0": (
        "GPU newer than the wheels"
    ),
    "PTX version 8.5 does not support target 'sm_120'": "GPU newer than the wheels",
    "no kernel image is available for execution on the device": "GPU older than the wheel",
    "Failed to initialize NVML: Driver/library version mismatch": "versions differ",
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.": (
        "no module for the kernel"
    ),
    "Bad return status for module build on kernel: 6.12.107 (x86_64)": "module not built",
    "E: Unable to correct problems, you have held broken packages.": "package manager stuck",
    "cuda-10-1 : Depends: cuda-runtime-10-1 (>= 10.1.243)": "package manager stuck",
    "Could not load dynamic library 'libcublas.so.10'; dlerror: libcublas.so.10: cannot open": (
        "cuBLAS missing"
    ),
    "after the reboot a black screen": "wrong kernel module",
    "it ends in a login loop": "wrong kernel module",
    "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service": "module rejected",
    "Loading of unsigned module is rejected": "module rejected",
    "ERROR: No matching distribution found for tensorflow": "no Python for TensorFlow",
    "error: externally-managed-environment": "no Python for TensorFlow",
    "ERROR: tensorrt-libs==8.6.1: No matching distribution": "TensorRT's wheels missing",
    "CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED": "cuDNN too new",
    "failed call to cuInit: CUDA_ERROR_UNKNOWN: unknown error": "no device nodes",
    "Running reboot with local connection would reboot the control node.": "unfinished run",
    "Running kernel outdated": "kernel outdated",
    "RmInitAdapter failed! (0x62:0x40:2393)": "GPU does not start",
}


@pytest.mark.parametrize(("text", "name"), TEXTS.items())
def test_each_text_that_people_paste_is_recognised(text: str, name: str) -> None:
    pasted = f"2026-11-21 07:06:15.1234: E cuda.cc:1] {text}\nTraceback\n"
    assert name in [finding.symptom for finding in recognise(pasted, host())]


def test_the_texts_cover_every_symptom() -> None:
    assert set(TEXTS.values()) == {symptom.name for symptom in SYMPTOMS}


def test_a_text_that_means_nothing_is_not_recognised() -> None:
    assert recognise("tensorflow works, and the GPU is fast", host()) == []
    told = gpu_doctor(deepcopy(HEALTHY), "gpu1", "blue smoke")
    assert "not a text that the doctor knows" in told["block"]
    assert told["failure"] == ""


def test_a_text_is_told_with_what_shows_it_on_this_host() -> None:
    state = deepcopy(HEALTHY)
    state["found"]["driver"]["libraries"] = "535.288.01"
    told = gpu_doctor(state, "gpu1", "Driver/library version mismatch")
    assert told["block"].startswith("What this means: Driver/library version mismatch")
    assert told["block"].count("the loaded module is 535.261.03") == 2
    told = gpu_doctor(deepcopy(HEALTHY), "gpu1", "Driver/library version mismatch")
    assert "nothing on this host shows it now" in told["block"]


def test_consequences_are_only_of_what_comes_after_them() -> None:
    names = [symptom.name for symptom in SYMPTOMS]
    last = ["refused", "stage failed", "not provisioned"]
    for place, symptom in enumerate(SYMPTOMS):
        assert set(symptom.covers) - {symptom.name} <= {*names, *last}
        before = set(symptom.covers) & set(names[:place])
        assert not before, f"{symptom.name} covers {before}, which is told first"


def test_every_symptom_says_where_people_met_it() -> None:
    assert all(symptom.source and symptom.texts for symptom in SYMPTOMS)


def test_a_refused_plan_is_a_finding() -> None:
    line = "found Fedora 43; Grindstone knows Debian 12 or 13: use one of these"
    findings = examine(host(refusal=line, plan={}, verify={}))
    assert [(finding.symptom, finding.evidence) for finding in findings] == [("refused", line)]


def test_a_host_where_nothing_was_done_yet_is_told_the_command() -> None:
    fresh = host(**{"found.environment": {"python": "", "tensorflow": ""}, "verify": {}})
    assert [(found.symptom, found.mend) for found in examine(fresh)] == [
        ("not provisioned", "ansible-playbook site.yml")
    ]


def test_a_stage_that_fails_with_words_nobody_knows_is_told_with_its_own_advice() -> None:
    report = failed("it differs from NumPy by 3")
    report["failure"] = "GPU product failed: it differs from NumPy by 3; undo any overclocking"
    findings = examine(host(verify=report))
    assert [finding.symptom for finding in findings] == ["stage failed"]
    assert "differs from NumPy by 3" in findings[0].evidence
    assert findings[0].mend.endswith("# undo any overclocking")


def test_a_driver_that_the_user_keeps_out_is_not_missed() -> None:
    assert examine(host(**{**NO_DRIVER, "plan.driver": {"action": "skip"}})) == []


def test_a_module_that_was_rejected_before_and_is_loaded_now_is_fine() -> None:
    assert examine(host(**{"logs.kernel": [REJECTED]})) == []


def test_a_program_s_own_xid_is_not_the_gpu_s_fault() -> None:
    line = "NVRM: Xid (PCI:0000:01:00): 31, pid=1234, name=python, MMU Fault"
    assert examine(host(**{"logs.kernel": [line]})) == []


def test_the_most_fundamental_comes_first() -> None:
    state = {**NOT_LOADED, "logs.kernel": [REJECTED], "found.environment.tensorflow": "2.15.0"}
    findings = examine(host(**state))
    assert [found.symptom for found in findings] == ["module rejected", "TensorRT's wheels missing"]
    assert sum_up(findings).startswith("module rejected: Loading of unsigned module")
    assert sum_up(findings).endswith("(and 1 more, above)")
    assert "\n" not in sum_up(findings)


def test_the_block_is_narrow_and_its_commands_stay_whole() -> None:
    for _, changes, _, _ in FLAT:
        look = host(**changes)
        findings = examine(look)
        block = describe(look, findings, "gpu1")
        for line in block.splitlines():
            assert len(line) <= 88 or "mend it" in line, line
        assert all(f"mend it    {finding.mend}" in block for finding in findings)


def test_the_block_of_a_healthy_host_says_what_is_fine() -> None:
    block = describe(host(), [], "gpu1")
    assert block.splitlines()[0] == "Doctor for gpu1: nothing is wrong"
    assert "an nvidia module for all 2 installed kernels" in block
    assert "proof: 2 stages passed" in block


def test_a_host_of_which_almost_nothing_is_known_is_examined() -> None:
    assert [found.symptom for found in examine(Look(found={}))] == ["not provisioned"]


# The bundle

SECRETS = [
    "gpu1.example.org",
    "gpu1",
    "rome-lab",
    "vault.corp",
    "10.20.30.40",
    "8.8.4.4",
    "9.9.9.9",
    "192.168.178.20",
    "2001:db8::dead:beef",
    "fe80::1ff:fe23:4567:890a",
    "::ffff:10.9.8.7",
    "52:54:00:ab:cd:ef",
    "52-54-00-AB-CD-E0",
    "0011.2233.4455",
    "enx525400abcdef",
    "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0d:51:a1",
    "ada.lovelace",
    "Ada Lovelace",
    "alovelace",
    "ada@mail.example.org",
    "GPU-7d2a5ec4-2b0c-4a3e-9a55-0123456789ab",
    "0f9d1c1e-6a1b-4f55-8f1c-aabbccddeeff",
    "1323521012345",
    "S5Y1NG0N123456",
    "4c4c4544004b5610804cb4c04f4e4d32",
    "proxy.inside.example",
    "hunter2",
    "babbage",
    "5002538d40a1b2c3",
]
LEAKS = [
    "host gpu1.example.org alias gpu1 in rome-lab via vault.corp",
    "from 10.20.30.40:22 dns 8.8.4.4, cudnn from 9.9.9.9 and (192.168.178.20/24)",
    "cudnn server 9.9.9.9",
    "inet6 2001:db8::dead:beef/64 fe80::1ff:fe23:4567:890a%eth0 [::ffff:10.9.8.7]:22",
    "ether 52:54:00:ab:cd:ef 52-54-00-AB-CD-E0 0011.2233.4455 enx525400abcdef: renamed",
    "infiniband 80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0d:51:a1",
    "session for user ada.lovelace (Ada Lovelace) uid=1000(alovelace) in /home/alovelace/run",
    "/home/babbage/train.py on nvme wwn-0x5002538d40a1b2c3",
    "mail ada@mail.example.org; USER=alovelace; /Users/alovelace/x",
    "UUID: GPU-7d2a5ec4-2b0c-4a3e-9a55-0123456789ab root=UUID=0f9d1c1e-6a1b-4f55-8f1c-aabbccddeeff",
    "Serial Number: 1323521012345; /dev/disk/by-id/ata-Samsung_SSD_870_S5Y1NG0N123456-part1",
    "usb 1-1: SerialNumber: S5Y1NG0N123456 machine-id: 4c4c4544004b5610804cb4c04f4e4d32",
    "4c4c4544004b5610804cb4c04f4e4d32",
    "http_proxy=http://alovelace:hunter2!@proxy.inside.example:3128/",
]
KEPT = [
    "0000:01:00.0",
    "535.261.03",
    '"9.3.0.75"',
    "libcudnn9-cuda-12=9.3.0.75-1",
    "nvidia_cudnn_cu12-9.10.2.21",
    "https://developer.download.nvidia.com/compute",
    "e7f219eab6fe4819cdb5c15b98233dc3420302d9c00883219cd3d896857cf48d",
    "EB693B3035CD5710E231E123A4B469963BF863CC",
    "nv-pci.c:237:9: error",
    "6.1.0-50-amd64",
    "std::string at 12:34:56",
    "/usr/local/cuda-11.0/lib64",
    "Xid (PCI:0000:01:00): 79",
]


def planted(value: Any) -> Any:
    """The same structure with every secret in each of its texts."""
    if isinstance(value, dict):
        return {key: planted(part) for key, part in value.items()} | {"leak": list(LEAKS)}
    if isinstance(value, list):
        return [planted(part) for part in value] + list(LEAKS)
    return f"{value} {' | '.join(LEAKS)}" if isinstance(value, str) else value


def examined() -> dict[str, Any]:
    look = {
        name: planted({**deepcopy(part), "keep": list(KEPT)}) if isinstance(part, dict) else part
        for name, part in HEALTHY.items()
    }
    look["found"]["cudnn"] = [{"version": "9.3.0.75", "path": "/usr/lib", "origin": "nvidia"}]
    look["refusal"] = " ".join(LEAKS)
    return {
        "look": look,
        "kept": {"plan.json": json.dumps(planted({"a": "b"})), "verify.json": "\n".join(LEAKS)},
        "block": "\n".join(LEAKS),
        "findings": [{"evidence": line} for line in LEAKS],
        "private": {
            "hosts": ["gpu1.example.org", "rome-lab", "localhost", ""],
            "users": ["alovelace", "Ada Lovelace", "ubuntu", ""],
        },
    }


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "report.tar.gz"
    path.write_bytes(gpu_bundle.archive(gpu_doctor_bundle([examined(), examined()])))
    return path


def members(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
        }


def test_no_secret_is_left_anywhere_in_the_bundle(packed: Path) -> None:
    files = members(packed)
    assert len(files) == 2 * 9
    everything = json.dumps(files) + packed.read_bytes().decode(errors="replace")
    with tarfile.open(packed) as archive:
        for member in archive.getmembers():
            everything += json.dumps([str(part) for part in member.get_info().values()])
            assert (member.uid, member.uname, member.mtime) == (0, "", 0)
    found = [secret for secret in SECRETS if secret.lower() in everything.lower()]
    assert found == []


def test_every_secret_is_planted_in_every_file_of_the_bundle() -> None:
    host_state = examined()
    for part in (*host_state["look"].values(), *host_state["kept"].values(), host_state["block"]):
        told = part if isinstance(part, str) else json.dumps(part)
        assert [secret for secret in SECRETS if secret not in told] == []


def test_what_a_report_is_read_for_stays_in_the_bundle(packed: Path) -> None:
    told = members(packed)["grindstone/host-1/found.json"]
    plain = told.replace('\\"', '"')
    assert [text for text in KEPT if text not in plain] == []
    assert json.loads(told)["cudnn"] == [
        {"version": "9.3.0.75", "path": "/usr/lib", "origin": "nvidia"}
    ]


def test_the_same_thing_has_the_same_name_throughout_a_bundle() -> None:
    redaction = Redaction(["gpu1.example.org"], ["ada"])
    told = redaction.text("gpu1 at 10.0.0.1, gpu2 at 10.0.0.2, ada@gpu1, 10.0.0.1 again")
    assert told == (
        "<host-1> at <address-1>, gpu2 at <address-2>, <user-1>@<host-1>, <address-1> again"
    )


def test_an_account_of_an_image_is_nobody_s_name() -> None:
    told = Redaction(["localhost"], ["ubuntu"]).text("ubuntu 24.04 on localhost, nvidia 535")
    assert told == "ubuntu 24.04 on localhost, nvidia 535"


def test_the_same_files_make_the_same_archive() -> None:
    files = {"b": "2", "a": "1"}
    assert gpu_bundle.archive(files) == gpu_bundle.archive(dict(reversed(files.items())))
    with tarfile.open(fileobj=io.BytesIO(gpu_bundle.archive(files))) as archive:
        assert archive.getnames() == ["grindstone/a", "grindstone/b"]


# The logs

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
    told = gpu_logs_info.look(hosts.write(tmp_path, WITH_WHEELS), "/opt/grindstone")
    assert told["said"]["kernel"] == ["NVRM: loading", "nvidia: Key was rejected by service"]
    assert told["said"]["builds"] == [
        {
            "module": "nvidia-current-open 550.163.01",
            "kernel": "6.12.107+deb13-amd64",
            "error": (
                "nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'"
            ),
            "log": f"/{DKMS}/build/make.log",
        }
    ]
    assert told["said"]["environment"] == {
        "wheels": True,
        "cudnn": "9.28.0.42",
        "ptxas": True,
        "libdevice": False,
    }
    assert told["said"]["toolkits"] == [
        {"path": "/usr/local/cuda-10.1", "cublas": False},
        {"path": "/usr/local/cuda-12.5", "cublas": True},
    ]
    assert told["kept"] == {"plan.json": '{"schema": 1}\n'}
    assert told["private"]["hosts"] == ["example.org", "gpu1", "gpu1.example.org"]
    assert {"ada", "Ada Lovelace", "charles"} <= set(told["private"]["users"])
    assert "nobody" not in told["private"]["users"]


def test_a_build_that_went_well_in_the_end_is_not_told(tmp_path: Path) -> None:
    module = f"{DKMS}/6.12.107+deb13-amd64/x86_64/module/nvidia.ko.xz"
    root = hosts.write(tmp_path, LOGGED | {module: ""})
    assert gpu_logs_info.builds(root) == []


def test_a_host_without_any_of_these_logs_has_nothing_to_tell(tmp_path: Path) -> None:
    told = gpu_logs_info.look(hosts.write(tmp_path, hosts.ARCH), "/opt/grindstone")["said"]
    assert told == {
        "kernel": [],
        "builds": [],
        "packages": [],
        "environment": {"wheels": False, "cudnn": "", "ptxas": False, "libdevice": False},
        "toolkits": [],
        "library_path": "",
    }


def test_a_command_that_is_missing_says_nothing() -> None:
    assert gpu_logs_info.output("no-such-command-here") == ""
    assert gpu_logs_info.output(sys.executable, "-c", "print('said')") == "said\n"


def test_a_finding_is_what_the_role_reads() -> None:
    told = gpu_doctor({"found": {}}, "gpu1")
    assert told["findings"][0].keys() == Finding("", "", "", "").__dict__.keys()
    assert told["failure"].startswith("not provisioned: ")


@pytest.mark.parametrize("recorded", recorded_hosts(), ids=str)
def test_a_recorded_host_is_told_its_refusal_or_what_site_yml_would_mend(
    recorded: Recorded,
) -> None:
    plan = outcome(recorded)
    refusal = "" if isinstance(plan, Plan) else str(plan)
    record = plan.record if isinstance(plan, Plan) else {}
    look = Look(found=recorded.found, plan=record, refusal=refusal)
    findings = examine(look)
    told = {finding.symptom for finding in findings}
    assert told
    assert bool(refusal) == bool(told & {"refused", "package manager stuck"})
    if refusal:
        assert "no driver" not in told  # its mend would be refused
    for finding in findings:
        assert finding.evidence.splitlines() == [finding.evidence]
        assert finding.mend
    passed_through = recorded.found["gpus"] and not look.gpus
    assert not (passed_through and told - {"not provisioned"})


def test_a_driver_alone_is_not_told_that_the_wheels_are_older_than_the_gpu() -> None:
    alone = {"found.gpus": [BLACKWELL], "found.driver.loaded_flavour": "open", "verify": {}}
    assert examine(host(**alone, **{"plan.cuda": {"action": "none"}})) == []


def test_what_only_a_stage_s_advice_speaks_of_is_not_taken_for_what_was_found() -> None:
    report = failed("NVIDIA's module is there for kernel 6.1, and not loaded")
    report["failure"] += " «Key was rejected by service» is Secure Boot"
    assert [finding.symptom for finding in examine(host(verify=report))] == ["stage failed"]


def test_another_cuda_that_is_not_whole_is_nobody_s_fault() -> None:
    """As a development package of 13.0 leaves it, on a machine without a GPU at that."""
    stray = {
        "logs.toolkits": [{"path": "/usr/local/cuda-13.0", "cublas": False}],
        "found.library_path": [{"path": "/usr/local/cuda-13.0/lib64", "file": "/etc/environment"}],
    }
    assert examine(host(**stray)) == []
    assert examine(host(**stray, **{"found.gpus": []})) == []


def test_what_the_modules_find_in_a_host_s_files_leads_to_the_finding(tmp_path: Path) -> None:
    """One host from its files to its mend, so that the facts' shape and the signs' are the same."""
    upgraded = hosts.WITH_GPU | {
        "proc/driver/nvidia/version": (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03  Tue Nov  4\n"
        ),
        "usr/lib/x86_64-linux-gnu/libcuda.so.535.288.01": "",
    }
    root = hosts.write(tmp_path, upgraded)
    found = gpu_info.look(root, "/opt/grindstone")
    logs = gpu_logs_info.look(root, "/opt/grindstone")["said"]
    findings = examine(Look(found=found, logs=logs))
    assert [finding.symptom for finding in findings] == ["versions differ"]
    assert findings[0].evidence == "the loaded module is 535.261.03, the libraries are 535.288.01"
