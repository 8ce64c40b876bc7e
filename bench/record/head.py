"""The head of a record: when, where and how a run was made."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from msgspec import Meta

from bench.record.measured import Amount, Count, Number, Part, Positive, Text
from bench.record.variant import Variant
from bench.record.worker import Framework
from bench.workloads.workload import Input as InputName
from bench.workloads.workload import Mode, ProfileName

SCHEMA: Literal[3] = 3

# In the place of a name that its owner does not tell (bench.record.shared).
WITHHELD = "withheld"


class Device(Part, frozen=True):
    """What was trained on.

    name: the model, as the machine calls it.
    index: NVML's index of a GPU, in PCI bus order; null for the CPU and where it is several GPUs.
    slice: number of a slice, where MIG divides the GPU.
    group: `gpus`: several GPUs train one network; `all`: each GPU trains its own, all at once.
    uuids: NVML's, of the GPU, the slice, or each GPU of a group; empty for the CPU.
    """

    name: str
    index: Count | None = None
    slice: Count | None = None
    group: Literal["gpus", "all"] | None = None
    uuids: tuple[str, ...] = ()

    @property
    def is_gpu(self) -> bool:
        """Whether it is one GPU, a slice of one, or several."""
        return self.index is not None or self.group is not None

    @property
    def option(self) -> str:
        """As `--device` takes it: `cpu`, `gpu:0`, `gpu:0:1`, `gpus`, `all`."""
        return self.group or self._own

    @property
    def id(self) -> str:
        """As a person reads it: as the option, but `gpu:0 of all` for one that is not alone."""
        if self.group == "all" and self.index is not None:
            return f"{self._own} of all"
        return self.option

    @property
    def _own(self) -> str:
        if self.index is None:
            return "cpu"
        return f"gpu:{self.index}" + ("" if self.slice is None else f":{self.slice}")


class Cpu(Part, frozen=True):
    """The processor.

    name: its model.
    cores: physical ones; null where they cannot be told.
    threads: logical processors; null where they cannot be told.
    affinity: the processors that the run might use.
    governor: the frequency governor; null where the kernel shows none.
    """

    name: str
    cores: Number | None
    threads: Number | None
    affinity: tuple[Count, ...]
    governor: str | None


class Machine(Part, frozen=True, kw_only=True):
    """The machine that the numbers belong to.

    host: its name.
    system: the distribution.
    kernel: its release.
    architecture: as `uname -m` has it.
    cpu: the processor.
    memory: in bytes; null where it cannot be told.
    driver: NVIDIA's version; null without one.
    why_no_gpu: null where there is one.
    devices: the CPU first, then the GPUs in PCI order.
    """

    host: str
    system: str
    kernel: str
    architecture: str
    cpu: Cpu
    memory: Number | None
    driver: str | None
    why_no_gpu: str | None
    devices: Annotated[tuple[Device, ...], Meta(min_length=1)]


class Plan(Framework, frozen=True, kw_only=True):
    """What /etc/grindstone/plan.json names.

    stack: its name.
    tensorflow: its version; null where it is another backend's.
    jax: the same of JAX.
    torch: the same of PyTorch.
    """

    stack: str


class Limits(Part, frozen=True):
    """How long a worker may be silent.

    start: until it is ready, in s.
    first_epoch: until the first epoch ends, in s.
    epoch: until a later one ends, in s, at least.
    patience: the same as a multiple of the longest epoch so far.
    """

    start: Positive
    first_epoch: Positive
    epoch: Positive
    patience: Amount


class Experiment(Part, frozen=True, kw_only=True):
    """Several networks, or ways to train one, each from several seeds; the first is the baseline.

    name: as `python -m bench experiment` takes it.
    epochs: of every training, where a number was chosen; null: as the experiment has it.
    images: that every training trains on; null: as the experiment has it.
    """

    name: Text
    epochs: Number | None = None
    images: Number | None = None


class Settings(Part, frozen=True, kw_only=True):
    """What was asked for.

    profile: how much is trained.
    devices: null is all.
    modes: null is the profile's.
    inputs: where images are read from on the clock.
    time_to_target: whether trainings to a target were asked for.
    data_dir: folder of the user's own data.
    dataset: what MNIST's networks are trained on.
    synthetic: whether generated data were asked for.
    seed: of the first training.
    limits: how long a worker may be silent.
    worker_python: interpreter of the workers.
    second_worker: interpreter of side B; null where there is one side.
    repeats: of each row and side, at most.
    interim_checks: after how many repeats it was checked whether a row is clear.
    against: the record to compare with, as asked for.
    workloads: files with models of one's own, trained instead of Grindstone's.
    variants: those that were asked for.
    rerun_options: the options that train a row again as here, but what names the row.
    experiment: that the trainings belong to; null where they stand alone.
    host: what the inventory calls this machine, where playbooks/bench.yml ran it; else null.
    """

    profile: ProfileName
    devices: tuple[str, ...] | None
    modes: tuple[Mode, ...] | None
    inputs: tuple[InputName, ...]
    time_to_target: bool
    data_dir: str | None
    dataset: str = "mnist"
    synthetic: bool
    seed: Count
    limits: Limits
    worker_python: str
    second_worker: str | None
    repeats: Number
    interim_checks: Annotated[tuple[Number, ...], Meta(min_length=1)]
    against: str | None
    workloads: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    rerun_options: tuple[str, ...] = ()
    experiment: Experiment | None = None
    host: str | None = None


class Due(Part, frozen=True, kw_only=True):
    """A training that is to come.

    title: what a person calls it.
    workload: its name.
    path: of the file that the workload is in, where it is none of Grindstone's; else null.
    """

    title: Text
    workload: Text
    path: Text | None = None


class Head(Part, frozen=True, kw_only=True):
    """What is known of a run when it begins.

    schema: the shape of this record; it grows when a reader of older ones would misread it.
    grindstone: this project's version.
    started: UTC.
    machine: where it ran.
    plan: null where the machine has none.
    settings: what was asked for.
    versions: of the parent's side: python, pytest, numpy, …
    due: all trainings that were to come, in their order; none where that was not known.
    words: files and options of `pytest bench/`, without those that choose among them, and without
        those of other plugins.
    """

    schema: Literal[3] = SCHEMA
    grindstone: Text
    started: Annotated[datetime.datetime, Meta(tz=True)]
    machine: Machine
    plan: Plan | None
    settings: Settings
    versions: dict[str, str]
    due: tuple[Due, ...] = ()
    words: tuple[str, ...] = ()
