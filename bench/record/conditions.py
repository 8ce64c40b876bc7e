"""The CPU and the host beside a training, as the record has them."""

from __future__ import annotations

from bench.record.measured import NOT_RECORDED, Amount, Count, Measured, Part, unknown


class Pressure(Part, frozen=True):
    """The kernel's pressure stall information of one resource.

    some: the share of the time in which some task waited for it.
    full: the share of the time in which every task did.
    """

    some: Measured[Amount]
    full: Measured[Amount]


class Pressures(Part, frozen=True):
    """Pressure by resource.

    cpu: for a processor.
    memory: for memory.
    io: for input and output.
    """

    cpu: Pressure
    memory: Pressure
    io: Pressure


class WorkerCpu(Part, frozen=True):
    """Processor time of the worker.

    seconds: of all its threads, in s.
    per_second: the same for each second of wall time: how many processors it kept busy.
    """

    seconds: Measured[Amount]
    per_second: Measured[Amount]


class Quota(Part, frozen=True):
    """The CPU quota of the worker's control group, as containers have it.

    cpus: how many processors it allows.
    throttled: the share of the time for which it stopped the group.
    """

    cpus: Measured[float]
    throttled: Measured[float]


class PackageEnergy(Part, frozen=True):
    """Energy of the processor packages (RAPL), whoever used them.

    package: over the steady epochs, in J.
    per_epoch: the same for one epoch, in J.
    """

    package: Measured[float]
    per_epoch: Measured[float]


class Conditions(Part, frozen=True, kw_only=True):
    """The CPU side over the steady epochs; of a training to a target over all of it.

    seconds: how long that was, in s; null where no steady epoch came to its end.
    pressure: what tasks of this machine waited for.
    worker_cpu: processor time of the worker.
    other_load: the share of the worker's processors that other programs used.
    steal: the share of the time that the hypervisor gave to other machines.
    idle: the share of the time in which the worker's processors were idle.
    major_faults: page faults of the worker that read from a disk.
    memory_available: at the lower of both ends, in bytes.
    memory_total: of the machine, in bytes.
    quota: the CPU quota of the worker's control group.
    throttled: the share of the time in which heat held the processor down.
    energy: of the processor packages.
    cpus: how many processors the worker may run on.
    cpus_online: how many there are.
    governor: the frequency governor.
    scaling_driver: the driver that sets the frequency.
    turbo: whether it may go beyond the nominal frequency.
    power_source: `mains`, or the battery and its charge.
    power_profile: the platform's profile, as `balanced`.
    """

    seconds: float | None
    pressure: Pressures
    worker_cpu: WorkerCpu
    other_load: Measured[Amount]
    steal: Measured[Amount]
    idle: Measured[Amount]
    major_faults: Measured[Count]
    memory_available: Measured[Count]
    memory_total: Measured[Count]
    quota: Quota
    throttled: Measured[Amount]
    energy: PackageEnergy
    cpus: Measured[Count]
    cpus_online: Measured[Count]
    governor: Measured[str]
    scaling_driver: Measured[str]
    turbo: Measured[bool]
    power_source: Measured[str] = unknown(NOT_RECORDED)
    power_profile: Measured[str] = unknown(NOT_RECORDED)
