"""The driver, by its files."""

from __future__ import annotations

import re
from pathlib import Path

from .stage import AGAIN, Plan, Stage, StageError, planned_gpus, read

VERSION = r"\d{3}\.\d+(?:\.\d+)?"
LIBRARIES = (
    "usr/lib/*-linux-gnu",
    "usr/lib/*-linux-gnu/nvidia/*",
    "usr/lib64",
    "usr/lib",
    "usr/local/nvidia/lib64",
    "run/opengl-driver/lib",
    ".singularity.d/libs",
)


def driver(plan: Plan, root: Path = Path("/")) -> str:
    """NVIDIA's module is loaded, in the version of the libraries that programs load."""
    told = read(root / "proc/driver/nvidia/version")
    found = re.search(rf"NVRM version:.*?\b({VERSION})\b", told)
    if not found:
        raise unloaded(plan, root)
    loaded = found.group(1)
    folders = library_folders(root)
    versions = sorted({version for folder in folders for version in library_versions(folder)})
    if not versions:
        raise StageError(
            f"the module is loaded ({loaded}), and its library libcuda.so is not on this host",
            "run site.yml, which installs both in one version",
        )
    if loaded not in versions:
        raise StageError(
            f"the loaded module is {loaded}, the libraries are {', '.join(versions)}: the driver "
            "was upgraded under it («Driver/library version mismatch»)",
            "reboot; site.yml holds the driver's packages, so that it does not come again",
        )
    flavour = "open" if "Open Kernel Module" in told else "proprietary"
    return f"{loaded} ({flavour}), module and libraries alike"


def library_folders(root: Path) -> list[Path]:
    """Where a driver's libraries may lie: the usual folders, and those that the loader is told."""
    files = [root / "etc/ld.so.conf", *sorted(root.glob("etc/ld.so.conf.d/*.conf"))]
    settings = re.findall(r"^\s*/(\S+)", "\n".join(map(read, files)), re.MULTILINE)
    variables = read(root / "proc/self/environ").split("\0")
    paths = "".join(each[16:] for each in variables if each.startswith("LD_LIBRARY_PATH="))
    named = (root / folder.lstrip("/") for folder in (*settings, *filter(None, paths.split(":"))))
    usual = (folder for pattern in LIBRARIES for folder in root.glob(pattern))
    return list(dict.fromkeys([*usual, *(folder for folder in named if folder.is_dir())]))


def library_versions(folder: Path) -> list[str]:
    """The versions of libcuda in the folder."""
    opened = folder / "libcuda.so.1"
    names = {path.name for path in (*folder.glob("libcuda.so.*.*"), opened.resolve())}
    told = [
        name[len("libcuda.so.") :] for name in names if name.count(".") > opened.name.count(".")
    ]
    if told or not opened.exists():
        return told
    # A file by that very name, as Apptainer binds it: what lies beside it is of the same driver.
    beside = (path.name.partition(".so.")[2] for path in folder.glob("libnvidia-*.so.*"))
    return [version for version in beside if re.fullmatch(VERSION, version)]


def unloaded(plan: Plan, root: Path) -> StageError:
    """Why there is no module of NVIDIA's, as far as files tell."""
    if (root / "sys/module/nouveau").exists():
        return StageError(
            "nouveau holds the GPU, and NVIDIA's module cannot be loaded beside it",
            "reboot; if it comes back, run site.yml, which takes it out of the initramfs",
        )
    release = read(root / "proc/sys/kernel/osrelease").strip()
    modules = root / "lib/modules" / release
    if not any(modules.glob("**/nvidia*.ko*")):
        planned = plan.get("host", {}).get("kernel", release)
        if planned != release:
            return StageError(
                f"the running kernel {release} has no NVIDIA module; it was built for {planned}",
                "reboot into the newer kernel",
            )
        return StageError(
            f"the running kernel {release} has no NVIDIA module",
            "run site.yml: it installs the headers and builds one",
        )
    return StageError(
        f"NVIDIA's module is there for kernel {release}, and not loaded",
        "reboot, or: modprobe nvidia; where that fails dmesg says why: «Key was rejected by "
        "service» is Secure Boot without the enrolled key, «No such device» a GPU that this driver "
        "does not know",
    )


def device_nodes(plan: Plan, root: Path = Path("/")) -> str:
    """Programs find the driver's devices, nvidia-uvm among them."""
    count = len(planned_gpus(plan))
    wanted = ["nvidiactl", "nvidia-uvm", *(f"nvidia{number}" for number in range(count))]
    missing = [f"/dev/{name}" for name in wanted if not (root / "dev" / name).exists()]
    if missing == ["/dev/nvidia-uvm"]:
        raise StageError(
            "/dev/nvidia-uvm is missing: its module is not loaded, and CUDA then fails with "
            "CUDA_ERROR_UNKNOWN for all but root",
            "nvidia-modprobe -c 0 -u, or: modprobe nvidia-uvm; site.yml has it loaded at boot",
        )
    if missing:
        raise StageError(
            f"{', '.join(missing)} missing",
            "nvidia-smi makes them; where it fails, dmesg | grep NVRM says why",
        )
    return f"{', '.join(wanted)}"


DRIVER_STAGES = [Stage("driver", driver, AGAIN), Stage("device nodes", device_nodes, AGAIN)]
