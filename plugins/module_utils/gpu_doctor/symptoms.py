"""What people see, why, and what mends it: the most fundamental first.

The texts are what users paste into a search box; the issues that they are from stand in `source`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import signs
from .look import Look

SITE = "ansible-playbook site.yml"
NGC = "docker run --gpus all -it --rm nvcr.io/nvidia/tensorflow:25.02-tf2-py3"

# What follows from a driver that is not there, whatever the reason: it is not told as well.
_FOLLOWS = (
    "no module for the kernel",
    "unfinished run",
    "no driver",
    "no device nodes",
    "libraries not opened",
)


@dataclass(frozen=True)
class Symptom:
    """One row.

    name: what is wrong, in a few words.
    texts: what is seen, as it is searched for: regular expressions, without regard to case.
    sign: what shows it on a host, "" where nothing does.
    cause: why, in a sentence or two.
    mend: the command that mends it on this host.
    covers: the names of others that are its consequences.
    source: where people met it.
    """

    name: str
    texts: tuple[str, ...]
    sign: Callable[[Look], str]
    cause: str
    mend: Callable[[Look], str]
    covers: tuple[str, ...] = ()
    source: str = ""


def always(command: str) -> Callable[[Look], str]:
    """The same command on every host."""
    return lambda _: command


def by_manager(apt: str, pacman: str) -> Callable[[Look], str]:
    """The command of this host's package manager."""
    return lambda look: pacman if look.found["packages"]["manager"] == "pacman" else apt


def _for_driver(look: Look) -> str:
    if look.found["wsl"]:
        return "wsl.exe --shutdown   # after an update of NVIDIA's driver on Windows"
    if look.found["container"]:
        return (
            "nvidia-ctk runtime configure --runtime=docker   # on the machine that has the GPU; "
            "then start the container with --gpus all"
        )
    return SITE


def _for_packages(look: Look) -> str:
    state = look.found["packages"]
    if state["locked"]:
        return f"sudo rm /var/lib/pacman/db.lck && {SITE}"
    if state["half_installed"]:
        return f"sudo dpkg --configure -a && sudo apt-get --fix-broken install && {SITE}"
    if look.driver["origin"] == "runfile":
        return f"sudo nvidia-uninstall && {SITE}"
    if state["manager"] == "pacman":
        return f"sudo pacman -Syu && {SITE}"
    return f"sudo apt-get --fix-broken install && {SITE}"


def _for_kernel(look: Look) -> str:
    running = look.kernel("running")
    if running["known"] and running["nvidia"]:
        following = look.kernel("next")
        if following["nvidia"] or not following["known"]:
            return "sudo modprobe nvidia"
    return SITE


def _for_secure_boot(look: Look) -> str:
    state = look.found["secure_boot"]
    if state["staged"]:
        return "sudo systemctl reboot   # and choose «Enroll MOK» at the console"
    if state["key"]:
        return f"sudo mokutil --import {state['key']}   # then reboot and choose «Enroll MOK»"
    return f"{SITE}   # it signs, stages the key, and says what to answer at the console"


def _for_unfinished(look: Look) -> str:
    if look.found["owned"]["open"]:
        return SITE
    users = [process for process in look.found["processes"] if process.get("kind") == "compute"]
    wait = f"   # first end {users[0]['name']} ({users[0]['pid']})" if users else ""
    return f"sudo systemctl reboot{wait}   # then {SITE}"


def _for_old_gpu(look: Look) -> str:
    fits = signs.newest_that_fits(look)
    return f"{SITE} -e plan_tensorflow={fits}" if fits else f"{SITE} -e plan_cuda=none"


def _for_stray_library(look: Look) -> str:
    for entry in look.found.get("library_path", []):
        if entry["file"].startswith("/etc/ld.so.conf.d/"):
            return rf"sudo sed -i.old '\|{entry['path']}|d' {entry['file']} && sudo ldconfig"
        return (
            rf"sudo sed -i.old '\|LD_LIBRARY_PATH.*{entry['path']}|d' {entry['file']}"
            "   # then log in again"
        )
    return "unset LD_LIBRARY_PATH"


SYMPTOMS = (
    Symptom(
        name="wrong kernel module",
        texts=(
            r"black screen",
            r"login loop",
            r"not supported by open nvidia\.ko",
            r"nouveau.{0,60}(in use|unload|conflict|blacklist|holds)",
        ),
        sign=signs.wrong_module,
        cause=(
            "The module does not suit the GPU (Blackwell takes the open one only, GPUs before "
            "Turing the proprietary one only), or nouveau in the initramfs has taken the GPU first."
        ),
        mend=always(f"{SITE}   # over ssh, or after booting with systemd.unit=multi-user.target"),
        covers=("GPU does not start", *_FOLLOWS),
        source="debian-nvidia-installer#44, bazzite#4800",
    ),
    Symptom(
        name="GPU does not start",
        texts=(
            r"RmInitAdapter failed",
            r"GSP.{0,40}(boot|fail|timeout|error)",
            r"fallen off the bus",
            r"\bXid\b",
        ),
        sign=signs.hardware,
        cause=(
            "The GPU's firmware did not come up, or the GPU has stopped answering: the driver's "
            "flavour, its firmware, power, the slot or the GPU itself."
        ),
        mend=always(
            "sudo nvidia-bug-report.sh   # and ask with its archive; a cold boot helps at times"
        ),
        covers=("no device nodes", "libraries not opened"),
        source="open-gpu-kernel-modules#1104, #433",
    ),
    Symptom(
        name="module not built",
        texts=(
            r"Bad return status for module build",
            r"Building module.{0,200}Error! ",
            r"DKMS make\.log",
        ),
        sign=signs.build_failed,
        cause="The driver's source does not fit this kernel: most often it is the older one.",
        mend=always(
            f"{SITE} -e plan_driver_origin=nvidia   # a newer driver; or boot the kernel before"
        ),
        covers=("package manager stuck", *_FOLLOWS),
        source="open-gpu-kernel-modules#558, #526; liquorix-package#227",
    ),
    Symptom(
        name="package manager stuck",
        texts=(
            r"held broken packages",
            r"unmet dependencies",
            r"Depends: cuda-(runtime|drivers|toolkit|demo)",
            r"dpkg was interrupted",
            r"unable to lock database",
        ),
        sign=signs.packages,
        cause=(
            "Packages wait half installed, or the driver's come from several origins whose "
            "versions exclude each other; metapackages such as «cuda» bring the newest driver."
        ),
        mend=_for_packages,
        covers=(*_FOLLOWS, "refused"),
        source="tensorflow#36121, #39116; NVIDIA/ansible-role-nvidia-driver#33",
    ),
    Symptom(
        name="kernel outdated",
        texts=(r"Running kernel (seems|is|appears)?.{0,20}outdated", r"newer kernel available"),
        sign=signs.outdated_kernel,
        cause="The module was built for the kernel that boots next, and the one before still runs.",
        mend=always(f"sudo systemctl reboot   # then {SITE}"),
        covers=_FOLLOWS,
        source="ubuntu-drivers' own check",
    ),
    Symptom(
        name="module rejected",
        texts=(
            r"Loading of unsigned module is rejected",
            r"Key was rejected by service",
            r"Required key not available",
            r"Kernel is locked down",
        ),
        sign=signs.unsigned,
        cause=(
            "Secure Boot lets in signed modules only, and this one's key is not known to the "
            "firmware."
        ),
        mend=_for_secure_boot,
        covers=_FOLLOWS,
        source="NVIDIA/gpu-operator#497, #1726; Start9Labs/start-technologies#3702",
    ),
    Symptom(
        name="unfinished run",
        texts=(
            r"Running reboot with local connection would reboot the control node",
            r"reboot, then run the same command",
        ),
        sign=signs.unfinished,
        cause=(
            "A run was cut off, or it stopped for a reboot that it does not do itself: not of the "
            "machine that Ansible runs on, and not under somebody's computation."
        ),
        mend=_for_unfinished,
        covers=(*_FOLLOWS, "refused"),
        source="NVIDIA/ansible-role-nvidia-driver#20, deepops#88",
    ),
    Symptom(
        name="no module for the kernel",
        texts=(
            r"couldn't communicate with the NVIDIA driver",
            r"modprobe: FATAL: Module nvidia not found",
        ),
        sign=signs.no_module,
        cause=(
            "A kernel update came without its headers, so the driver's module was not built for "
            "it, or the module is not loaded."
        ),
        mend=_for_kernel,
        covers=("no driver", "no device nodes", "libraries not opened"),
        source="nvidia-smi after a kernel update; NVIDIA/ansible-role-nvidia-driver#20, #6",
    ),
    Symptom(
        name="versions differ",
        texts=(r"Driver/library version mismatch", r"API mismatch: the client has the version"),
        sign=signs.mismatch,
        cause=(
            "The driver's packages were upgraded under the loaded module, often by unattended "
            "upgrades. After the reboot site.yml holds them."
        ),
        mend=always(f"sudo systemctl reboot   # then {SITE}"),
        covers=("no device nodes", "libraries not opened"),
        source="shine-cluster#30, #50; ubuntu-packaging-nvidia-driver#3",
    ),
    Symptom(
        name="no driver",
        texts=(
            r"Could not find cuda drivers on your machine",
            r"libcuda\.so\.1: cannot open shared object file",
            r"could not select device driver.{0,40}gpu",
            r"nvidia-smi: command not found",
        ),
        sign=signs.no_driver,
        cause=(
            "There is no NVIDIA driver; or there is one, and libcudart cannot be opened, which "
            "TensorFlow reports with the same words."
        ),
        mend=_for_driver,
        covers=("no device nodes", "libraries not opened"),
        source="tensorflow#66750; tensorman#28",
    ),
    Symptom(
        name="no device nodes",
        texts=(
            r"CUDA_ERROR_UNKNOWN",
            r"cuInit.{0,40}(unknown error|CUDA_ERROR_NO_DEVICE)",
            r"nvidia-uvm",
        ),
        sign=signs.no_nodes,
        cause=(
            "The device nodes or the module nvidia_uvm are missing: no program run by root has "
            "made them since the boot, or the host was suspended."
        ),
        mend=always("sudo modprobe nvidia_uvm && sudo nvidia-modprobe -u -c 0"),
        covers=("libraries not opened",),
        source="CUDA_ERROR_UNKNOWN from cuInit that works as root",
    ),
    Symptom(
        name="GPU newer than the wheels",
        texts=(
            r"CUDA_ERROR_INVALID_(PTX|HANDLE)",
            r"not built with CUDA kernel binaries compatible with compute capability",
            r"PTX version [\d.]+ does not support target",
        ),
        sign=signs.too_new,
        cause=(
            "No TensorFlow wheel has kernels for Blackwell. NVIDIA's container of TensorFlow 2.17 "
            "has; or TensorFlow is built from source."
        ),
        mend=always(NGC),
        covers=("libraries not opened",),
        source="tensorflow#89272, #97387, #99592, #101746, #103531, #111958",
    ),
    Symptom(
        name="GPU older than the wheel",
        texts=(r"no kernel image is available for execution", r"CUDA_ERROR_NO_BINARY_FOR_GPU"),
        sign=signs.too_old,
        cause=(
            "The wheel has no kernels for a GPU this old: 2.17 and newer begin at compute "
            "capability 6.0, 2.15 and 2.16 at 5.0, older ones at 3.5."
        ),
        mend=_for_old_gpu,
        source="build_info.py of the wheels; TensorFlow 2.17's release notes",
    ),
    Symptom(
        name="no Python for TensorFlow",
        texts=(
            r"No matching distribution found for tensorflow",
            r"Could not find a version that satisfies the requirement tensorflow",
            r"externally-managed-environment",
        ),
        sign=signs.no_python,
        cause=(
            "TensorFlow has no wheel for the Python that was asked, or the system keeps pip out of "
            "it. TensorFlow 2.21 takes Python 3.10 to 3.13."
        ),
        mend=always(f"{SITE}   # it brings a Python that fits"),
        covers=("not provisioned",),
        source="tensorflow#79349; PEP 668",
    ),
    Symptom(
        name="TensorRT's wheels missing",
        texts=(r"tensorrt[-_]?(libs|bindings)?\b.{0,80}(resol|not found|No matching|unavailable)",),
        sign=signs.tensorrt,
        cause="2.15.0[and-cuda] asks for wheels of TensorRT that cannot be had; 2.15.1 does not.",
        mend=always("pip install 'tensorflow[and-cuda]==2.15.1'   # or site.yml for the newest"),
        source="metadata of the tensorflow 2.15.0 and 2.15.1 wheels",
    ),
    Symptom(
        name="cuBLAS missing",
        texts=(
            r"libcublas(Lt)?\.so[.\d]*.{0,60}(cannot open|not found|No such file)",
            r"Could not load dynamic library 'libcublas",
        ),
        sign=signs.cublas,
        cause=(
            "cuBLAS has its own versions and packages: the toolkit of 10.1 came with 10.2's, in "
            "another folder. Libraries of one origin end this."
        ),
        mend=always(f"{SITE} -e plan_cuda=wheels"),
        covers=("libraries not opened",),
        source="tensorflow#42936, #27155",
    ),
    Symptom(
        name="libraries not opened",
        texts=(r"Cannot dlopen some GPU libraries", r"Skipping registering GPU devices"),
        sign=signs.loader,
        cause=(
            "TensorFlow's loader does not look where CUDA's wheels lie: a fault of the wheels "
            "2.16.1 and 2.21.0, which site.yml mends inside its environment."
        ),
        mend=always(SITE),
        source="tensorflow#63362, #65842, #66987",
    ),
    Symptom(
        name="cuDNN too old",
        texts=(
            r"Loaded runtime CuDNN library.{1,20}but source was compiled with",
            r"DNN library initialization failed",
        ),
        sign=signs.cudnn_too_old,
        cause="An older cuDNN is found before the one that belongs to TensorFlow.",
        mend=_for_stray_library,
        source="tensorflow#60913; tensorflow/text#554, #1181",
    ),
    Symptom(
        name="cuDNN too new",
        texts=(
            r"CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED",
            r"CUDNN_STATUS_ARCH_MISMATCH",
            r"No (valid )?(conv|algorithm).{0,40}(algorithm|worked|found)",
        ),
        sign=signs.cudnn_too_new,
        cause=(
            "cuDNN 9.11 and later have dropped GPUs before Turing; pip's newest comes with "
            "tensorflow[and-cuda] since 2.20. 9.10.2 still has them."
        ),
        mend=always(SITE),
        source="cubins counted in the wheels of cuDNN 9.10.2, 9.11.0 and 9.28",
    ),
    Symptom(
        name="XLA cannot compile",
        texts=(
            r"Can't find libdevice directory",
            r"libdevice not found at",
            r"Couldn't invoke ptxas",
            r"libdevice is required by this HLO module",
        ),
        sign=signs.no_compiler,
        cause="ptxas and libdevice, of CUDA's compiler, are not where XLA looks for them.",
        mend=always(SITE),
        source="tensorflow#58681, #56927; conda-forge/tensorflow-feedstock#420",
    ),
)


def _not_provisioned(look: Look) -> str:
    return "" if look.environment["tensorflow"] else "there is no TensorFlow of Grindstone's here"


def _stage_failed(look: Look) -> str:
    return "".join(f"{stage['stage']} failed: {stage['found']}" for stage in look.failures[:1])


def _by_stage(look: Look) -> str:
    """The stage's own advice, which stands behind what it found."""
    failure = str(look.verify.get("failure", ""))
    advice = failure.partition(f"{look.failures[0]['found']}; ")[2] if look.failures else ""
    return f"{SITE}   # {advice}" if advice else SITE


# Beyond what people search for: why site.yml, which mends most things, does nothing here.
REFUSED = Symptom(
    name="refused",
    texts=(),
    sign=signs.refused,
    cause="site.yml stops before it changes anything: no line-up of versions fits this host.",
    mend=always(f"{SITE} --check   # after what the line above asks for"),
    covers=("no driver", "no Python for TensorFlow", "not provisioned"),
)
_REST = next(n for n, symptom in enumerate(SYMPTOMS) if symptom.name == "no module for the kernel")
ON_A_HOST = (*SYMPTOMS[:_REST], REFUSED, *SYMPTOMS[_REST:])
# Where nothing else is wrong.
LAST_RESORTS = (
    Symptom(
        name="stage failed",
        texts=(),
        sign=_stage_failed,
        cause="A stage of the proof failed, with words that the doctor does not know.",
        mend=_by_stage,
    ),
    Symptom(
        name="not provisioned",
        texts=(),
        sign=_not_provisioned,
        cause="site.yml has not run here to its end.",
        mend=always(SITE),
    ),
)
