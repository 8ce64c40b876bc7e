# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has this host to say about its GPU?  Logs and leftovers, read only.

It runs on the host with any Python from 3.8 on.  Every path is looked up below `sysroot`; commands,
which only read, run where that is the real root.
"""

from __future__ import annotations

DOCUMENTATION = """
module: gpu_logs_info
short_description: Reads a host's logs on its GPU
description:
  - Reads the kernel's log since the boot, what C(nvidia-smi -q) tells of the states of the GPUs,
    the logs of failed module builds, what the package manager complains of, what is in TensorFlow's
    environment and what earlier runs have written to C(/etc/grindstone).
  - It changes nothing, in check mode or not.
author: The Grindstone authors (@grindstone)
options:
  prefix:
    description: The folder that everything is installed below.
    type: path
    default: /opt/grindstone
  sysroot:
    description: The folder to take for the root of the host.
    type: path
    default: /
"""

EXAMPLES = """
- name: Read the host's logs
  grindstone.grindstone.gpu_logs_info:
  register: doctor_logs
"""

RETURN = """
logs:
  description: What was found, in the shape that the filter gpu_doctor takes.
  returned: always
  type: dict
files:
  description: The texts of C(plan.json) and C(verify.json), as far as they are there.
  returned: always
  type: dict
private:
  description: The C(hosts) and C(users) whose names a bundle must not have.
  returned: always
  type: dict
"""

import os
import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.limited_command import output
from ..module_utils.sysroot import OPTIONS, text

OF_THE_GPU = re.compile(
    r"NVRM|\bXid\b|nvidia|nouveau|unsigned module|unavailable key|Key was rejected|Lockdown:"
    r"|module verification failed",
    re.IGNORECASE,
)
# What ends a build: the compiler's errors, and those of what it needs.
FATAL = re.compile(
    r"\berror: |No space left on device|GPL-incompatible module|encoding BTF|: out of memory"
    r"|Cannot allocate memory"
)
LINES = 300  # the last ones: a GPU that fails says the same thing without end
BROKEN = re.compile(r"unmet dependencies|broken packages|interrupted|half.(installed|configured)")
# The parts of `nvidia-smi -q` that tell how a GPU is; none of them has a serial number in it.
STATES = re.compile(
    r"MIG Mode|ECC Mode|ECC Errors|Retired Pages|Remapped Rows|GPU Recovery Action|Fabric"
    r"|Clocks (Event|Throttle) Reasons|GPU Reset Status"
)
FIRST_USER = 1000  # of people, as login.defs has it


def kernel_log(root: Path) -> list[str]:
    """The lines about the GPU and its module since the boot, without times and host names."""
    if root == Path("/"):
        said = output("journalctl", "-k", "-b", "--no-pager", "-o", "cat", "--quiet")
        said = said or output("dmesg", "--notime") or output("dmesg")
    else:
        said = text(root / "var/log/dmesg") or text(root / "var/log/kern.log")
    return [line.strip() for line in said.splitlines() if OF_THE_GPU.search(line)][-LINES:]


def gpu_states(said: str) -> list[str]:
    """Each telling part of what `nvidia-smi -q` says, as a line: "GPU 0000…: Fabric State : …"."""
    found: list[str] = []
    gpu, depth = "", -1
    for line in said.splitlines():
        indent = len(line) - len(line.lstrip())
        words = " ".join(line.split())
        if not indent and words.startswith("GPU "):
            gpu = words
        if depth >= 0 and words and indent > depth:
            found[-1] += " " + words
        elif gpu and STATES.match(words):
            depth = indent
            found.append(gpu + ": " + words)
        else:
            depth = -1
    return found


def builds(root: Path) -> list[dict[str, str]]:
    """The modules that DKMS could not build, each with the compiler's first error.

    DKMS moves the log of a build that went well out of `build`, beside the module.
    """
    failed = []
    for log in sorted((root / "var/lib/dkms").glob("nvidia*/*/build/make.log")):
        said = text(log)
        kernel = re.search(r"for kernel (\S+)", said)
        release = kernel.group(1) if kernel else ""
        errors = [line.strip() for line in said.splitlines() if FATAL.search(line)]
        errors += [line.strip() for line in said.splitlines() if re.search(r"\*\*\* |Error ", line)]
        if errors and not any(log.parents[1].glob(f"{release or '*'}/*/module")):
            failed.append(
                {
                    "module": f"{log.parents[2].name} {log.parents[1].name}",
                    "kernel": release,
                    "error": errors[0],
                    "log": "/" + str(log.relative_to(root)),
                }
            )
    return failed


def complaints(root: Path) -> list[str]:
    """What dpkg and apt find wrong with what is installed; they take no lock and write nothing."""
    if root != Path("/"):
        return []
    in_memory = ["Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", "Debug::NoLocking=1"]
    options = [word for option in in_memory for word in ("-o", option)]
    said = output("dpkg", "--audit") + output("apt-get", "check", "-qq", *options)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not any(BROKEN.search(line) for line in lines):
        return []
    telling = [line for line in lines if " : " in line or BROKEN.search(line)]
    return sorted(telling, key=lambda line: " : " not in line)


def environment(root: Path, folder: str) -> dict[str, Any]:
    """What TensorFlow's environment holds of CUDA."""
    found = {"wheels": False, "cudnn": "", "ptxas": False, "libdevice": False}
    for packages in (root / folder.lstrip("/")).glob("lib/python3.*/site-packages"):
        for wheel in packages.glob("nvidia_cudnn_cu*.dist-info"):
            found["cudnn"] = wheel.name[: -len(".dist-info")].rpartition("-")[2]
        compiler = packages / "nvidia/cuda_nvcc"
        found["wheels"] = (packages / "nvidia/cuda_runtime").is_dir()
        found["ptxas"] = (compiler / "bin/ptxas").is_file()
        found["libdevice"] = any((compiler / "nvvm/libdevice").glob("libdevice.*.bc"))
    return found


def toolkits(root: Path) -> list[dict[str, Any]]:
    """The system's CUDA folders that have a runtime, and whether they have cuBLAS beside it."""
    found = []
    for folder in sorted((root / "usr/local").glob("cuda-*")):
        libraries = [folder / "lib64", *folder.glob("targets/*/lib")]
        if any(any(place.glob("libcudart.so*")) for place in libraries):
            cublas = any(any(place.glob("libcublas.so*")) for place in libraries)
            found.append({"path": "/" + str(folder.relative_to(root)), "cublas": cublas})
    return found


def files(root: Path) -> dict[str, str]:
    """What earlier runs have left."""
    names = ("plan.json", "verify.json")
    texts = {name: text(root / "etc/grindstone" / name) for name in names}
    return {name: said for name, said in texts.items() if said}


def private(root: Path) -> dict[str, list[str]]:
    """The names that are somebody's: of this host and its neighbours, and of its people."""
    hosts = [text(root / "etc/hostname"), text(root / "proc/sys/kernel/hostname")]
    hosts += text(root / "proc/sys/kernel/domainname").replace("(none)", "").split()
    for line in text(root / "etc/hosts").splitlines():
        names = line.split("#")[0].split()[1:]
        hosts += [name for name in names if not name.startswith(("localhost", "ip6-"))]
    for line in text(root / "etc/resolv.conf").splitlines():
        if line.startswith(("search", "domain")):
            hosts += line.split()[1:]
    users = [path.name for path in (root / "home").glob("*")]
    for line in text(root / "etc/passwd").splitlines():
        fields = line.split(":")
        if len(fields) > 4 and fields[2].isdigit() and int(fields[2]) >= FIRST_USER:
            users += [fields[0], fields[4].split(",")[0]]
    users += [os.environ.get(name, "") for name in ("SUDO_USER", "LOGNAME", "USER")]
    return {
        "hosts": sorted({name.strip() for name in hosts} - {"", "."}),
        "users": sorted({name.strip() for name in users} - {"", "nobody", "root"}),
    }


def gather(root: Path, prefix: str) -> dict[str, Any]:
    """Everything above."""
    return {
        "logs": {
            "kernel": kernel_log(root),
            "builds": builds(root),
            "packages": complaints(root),
            "gpus": gpu_states(output("nvidia-smi", "-q")) if root == Path("/") else [],
            "environment": environment(root, prefix.rstrip("/") + "/tensorflow"),
            "toolkits": toolkits(root),
            "library_path": os.environ.get("LD_LIBRARY_PATH", "") if root == Path("/") else "",
        },
        "files": files(root),
        "private": private(root),
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.exit_json(
        changed=False, **gather(Path(module.params["sysroot"]), module.params["prefix"])
    )


if __name__ == "__main__":
    main()
