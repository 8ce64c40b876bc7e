"""The machine, the software and every setting of a run, as names and values below headings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from bench.judge import rerun
from bench.record.head import Limits, Settings
from bench.record.model import Record
from bench.report import format as shown
from bench.report import notes, rows

Facts: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


def of(record: Record, path: Path | None) -> Iterator[Facts]:
    """All of a record."""
    yield "Machine", tuple(_machine(record))
    yield "Software", tuple(_software(record, path))
    yield "Settings", tuple(_settings(record))


def _machine(record: Record) -> Iterator[tuple[str, str]]:
    machine = record.machine
    cpu, gpus = machine.cpu, [device for device in machine.devices if device.is_gpu]
    known = ", ".join(f"{each.id} {each.name}" for each in gpus)
    yield "Host", machine.host
    yield "System", f"{machine.system}, kernel {machine.kernel}, {machine.architecture}"
    yield "Processor", f"{cpu.name}, {len(cpu.affinity)} threads for this run"
    yield "Governor", cpu.governor or "unknown"
    yield "Memory", f"{machine.memory / 2**30:.1f} GiB" if machine.memory else "unknown"
    yield "GPUs", known or machine.why_no_gpu or "none"
    yield "Driver", machine.driver or "none"


def _software(record: Record, path: Path | None) -> Iterator[tuple[str, str]]:
    plan, workers = record.plan, [each.worker for each in rows.finished(record.results)]
    trained = dict.fromkeys(
        f"{each.framework} {each.version}, Keras {each.keras}, NumPy {each.numpy}, "
        f"Python {each.python}"
        for each in workers
    )
    variables = dict.fromkeys(each.pinned.variables for each in workers)
    yield "Plan", f"{plan.stack}, {plan.framework} {plan.version}" if plan else "none on this host"
    yield "Trained with", "; ".join(trained) or "none"
    libraries = dict.fromkeys(each.foreign for each in workers)
    yield "Environment", "; ".join(filter(None, variables)) or "nothing that changes the training"
    yield "Libraries", "; ".join(filter(None, libraries)) or "the environment's own"
    yield "Grindstone", record.grindstone
    yield "Grindstone's packages", ", ".join(f"{name} {at}" for name, at in record.versions.items())
    yield "Record", str(path) if path else "not written"


def _settings(record: Record) -> Iterator[tuple[str, str]]:
    """What was asked for; what was not stands there as what that comes to."""
    asked = record.settings
    variants = [", ".join(each.words()) or "as published" for each in asked.variants]
    yield "Profile", asked.profile
    yield "Devices", ", ".join(asked.devices or ()) or "all"
    yield "Modes", ", ".join(asked.modes or ()) or "as the profile has them"
    yield "Changes", "; ".join(variants) or "none"
    yield "Your own models", ", ".join(asked.workloads) or "none"
    yield "Experiment", asked.experiment.name if asked.experiment else "none"
    yield "Images read on the clock from", ", ".join(asked.inputs) or "memory"
    yield "Trainings to a target", "yes" if asked.time_to_target else "no"
    yield "Data of the MNIST networks", asked.dataset
    yield "Data folder", asked.data_dir or "none named"
    yield "Generated data asked for", "yes" if asked.synthetic else "no"
    yield "Seed", str(asked.seed)
    if not asked.experiment:  # which may be gone on with for more seeds; its table counts them
        yield "Repeats", _repeats(asked)
    yield "Compared with", asked.against or "none"
    yield "Worker timeouts", _limits(asked.limits)
    yield "Worker", asked.worker_python
    yield "Worker of side B", asked.second_worker or "none"
    yield "Run by", f"playbooks/bench.yml, as {asked.host}" if asked.host else "hand"
    yield "The same again", rerun.command(notes.train_again(record), host=asked.host)


def _repeats(asked: Settings) -> str:
    checks = shown.and_so([str(each) for each in asked.interim_checks])
    looked = f" at most, looked at after {checks}" if len(asked.interim_checks) > 1 else ""
    return f"{asked.repeats}{looked}"


def _limits(limits: Limits) -> str:
    return (
        f"{shown.seconds(limits.start)} to start, {shown.seconds(limits.first_epoch)} for the "
        f"first epoch, {shown.seconds(limits.epoch)} for a later one, or {limits.patience:g} times "
        "the longest before it"
    )
