"""What the doctor has to go by, and the questions that several symptoms ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...plugin_utils.gpu_stack.facts import normalised
from ...plugin_utils.gpu_stack.model import numbers

Facts = dict[str, Any]

_LOGS: Facts = {
    "kernel": [],  # lines of the kernel's log
    "builds": [],  # failed ones: {module, kernel, error, log}
    "packages": [],  # what the package manager complains of
    "environment": {"wheels": False, "cudnn": "", "ptxas": False, "libdevice": False},
    "toolkits": [],  # {path, cublas: bool}
    "library_path": "",  # LD_LIBRARY_PATH, as a process gets it on this host
}


@dataclass(frozen=True)
class Look:
    """One host.

    found: what the module gpu_info found.  logs: what the module gpu_logs_info did.
    plan: what plan.json would hold, {} where the plan is refused.  refusal: why it is.
    verify: what the stages came to, run now or kept from the last time; {} if they never were.
    """

    found: Facts
    logs: Facts = field(default_factory=dict)
    plan: Facts = field(default_factory=dict)
    refusal: str = ""
    verify: Facts = field(default_factory=dict)

    def __post_init__(self) -> None:
        logs = {**_LOGS, **self.logs}
        logs["environment"] = {**_LOGS["environment"], **(logs["environment"] or {})}
        object.__setattr__(self, "found", normalised(self.found))
        object.__setattr__(self, "logs", logs)

    @property
    def driver(self) -> Facts:
        """The driver's part of the facts."""
        part: Facts = self.found["driver"]
        return part

    @property
    def environment(self) -> Facts:
        """TensorFlow's environment: the facts' and the logs' part of it."""
        return {**self.logs["environment"], **self.found["environment"]}

    @property
    def own_kernel(self) -> bool:
        """Whether there is a GPU whose driver is this system's business."""
        found = self.found
        skipped = self.plan.get("driver", {}).get("action") == "skip"
        return bool(self.gpus) and not (found["wsl"] or found["container"] or skipped)

    @property
    def gpus(self) -> list[Facts]:
        """The GPUs that are not passed through to a virtual machine."""
        return [gpu for gpu in self.found["gpus"] if gpu["bound"] != "vfio-pci"]

    @property
    def wants_gpu(self) -> bool:
        """Whether TensorFlow is to use them: the wish may be a driver alone."""
        return bool(self.gpus) and self.plan.get("cuda", {}).get("action") != "none"

    @property
    def on_disk(self) -> bool:
        """Whether some of a driver is installed, loaded or not."""
        modules = any(kernel["nvidia"] for kernel in self.found["kernels"]["installed"])
        return bool(self.driver["packages"] or self.driver["libraries"] or modules)

    @property
    def waiting(self) -> bool:
        """Whether a driver is installed and none is loaded."""
        return self.own_kernel and self.on_disk and not self.driver["loaded"]

    def kernel(self, which: str) -> Facts:
        """The `running` or the `next` kernel; it knows nothing of one that is not installed."""
        kernels = self.found["kernels"]
        release = kernels[which]
        nothing = {"release": release, "headers": True, "nvidia": {}, "known": False}
        for kernel in kernels["installed"]:
            if kernel["release"] == release:
                return {**kernel, "known": True}
        return nothing

    def capabilities(self) -> list[tuple[list[int], Facts]]:
        """Each GPU with its compute capability, where that is known."""
        known = [gpu for gpu in self.gpus if self.wants_gpu and gpu["compute_capability"]]
        return [(numbers(gpu["compute_capability"]), gpu) for gpu in known]

    @property
    def computes(self) -> bool:
        """Whether all stages have passed that a GPU computes in."""
        stages = self.verify.get("stages", [])
        states = [stage["state"] for stage in stages if stage["stage"].startswith("GPU ")]
        return bool(states) and set(states) == {"passed"}

    @property
    def failures(self) -> list[Facts]:
        """The stages that failed."""
        stages = self.verify.get("stages", [])
        return [stage for stage in stages if stage["state"] == "failed"]


def gpu_name(gpu: Facts) -> str:
    """What a person calls it."""
    name = gpu["name"] or gpu["chip"] or f"NVIDIA {gpu['device']}"
    capability = gpu["compute_capability"]
    return f"{name} (compute capability {capability})" if capability else str(name)
