"""What a person chose for this run, checked before anything is trained."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.datasets.choice import read_choice
from bench.errors import GrindstoneError
from bench.observe.devices import Found
from bench.record.head import Device, Experiment, Limits
from bench.record.repeats import Side, checks_for
from bench.record.variant import AS_PUBLISHED, Variant, Way
from bench.runner import cluster, container, interpreter, option_values, paths, rerun_options
from bench.runner.container import Image
from bench.runner.limits import chosen_limits
from bench.runner.option_table import CLUSTER, OPTIONS
from bench.workloads.backend import BACKENDS, Backend
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import INPUTS, MODES, Input, Mode, ProfileName, Schedule, Workload

if TYPE_CHECKING:
    from bench.datasets.data_folder import DataFolder
    from bench.datasets.prepared import Store


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a run.

    devices: where to train, in the order asked for.
    devices_asked_for: the words of `--device`, or None where every device is meant.
    worker_python: the interpreter that trains; that of side A where there are two.
    second_worker: the interpreter of side B, or None where no environments are compared.
    interim_checks: after how many repeats of a row, on each side, it is checked whether it is
        clear; once where a number is given or nothing is compared.
    against: a record, `last` or `best` to compare with, or None.
    modes: how to train; None leaves it to the profile and the device.
    variants: what every row is trained with, in turn; as published, where nothing is asked for.
    inputs: from where images are read as files on the clock, where that is asked for.
    on_request: the workloads besides the default ones that `-k` names.
    inference: for how many s it is measured how fast networks answer; None: not at all.
    epochs: how many are trained; None leaves it to the profile.
    learning_curve: whether the quality is measured after every epoch.
    save_models: whether what was trained is saved beside the record.
    images: how many are trained on; judge_training: whether the quality on them is measured, too.
    page: whether to write a page; html: where, if not beside the record.
    order_seed: of which side of a pair trains first; another one in every run.
    data_folder: what is in the folder that was named.
    dataset: what MNIST's networks are trained on.
    workloads: models of one's own, which are trained instead of Grindstone's.
    rerun_options: those that train a row again.
    cluster: the machines that networks are trained over, where these are several.
    """

    profile: ProfileName
    devices: tuple[Device, ...]
    devices_asked_for: tuple[str, ...] | None
    data_dir: Path | None
    cache_dir: Path | None
    results_dir: Path
    synthetic: bool
    seed: int
    limits: Limits
    worker_python: Path
    worker_chosen_by: str
    plan: interpreter.Plan | None
    worker_image: Image | None = None
    second_worker: Path | None = None
    interim_checks: tuple[int, ...] = (1,)
    against: str | None = None
    modes: tuple[Mode, ...] | None = None
    variants: tuple[Variant, ...] = (AS_PUBLISHED,)
    inputs: tuple[Input, ...] = ()
    time_to_target: bool = False
    inference: float | None = None
    epochs: int | None = None
    learning_curve: bool = False
    save_models: bool = False
    images: int | None = None
    judge_training: bool = False
    order_seed: int = 0
    data_folder: DataFolder | None = None
    dataset: str = "mnist"
    page: bool = True
    html: Path | None = None
    workloads: tuple[OwnWorkload, ...] = ()
    on_request: tuple[Workload, ...] = ()
    rerun_options: tuple[str, ...] = ()
    experiment: Experiment | None = None
    cluster: cluster.Choice | None = None

    @property
    def repeats(self) -> int:
        """How many a row has on each side, at most."""
        return self.interim_checks[-1]

    def interpreter(self, side: Side | None) -> Path:
        """The interpreter that trains on a side."""
        if side == "B" and self.second_worker is not None:
            return self.second_worker
        return self.worker_python

    def one_device(self, found: Found) -> Device:
        """For what trains on one: the device that was named, else the first GPU, else the CPU.

        Raises:
            GrindstoneError: several were named.
        """
        if self.devices_asked_for is None:
            return found.devices[1] if len(found.devices) > 1 else found.devices[0]
        if len(self.devices) != 1 or self.devices[0].group:
            raise GrindstoneError(
                "this trains on one device; name one with --device, as cpu or gpu:0"
            )
        return self.devices[0]

    def modes_on(self, device: Device) -> tuple[Mode, ...]:
        """How to train on a device: as asked for, else as the profile has it.

        On a CPU the tuned training gains little and doubles the minutes, so it is `full`'s alone.
        """
        if device.group == "gpus":
            return ("stock",)  # the tuned epoch is one device's
        if self.modes is not None:
            return self.modes
        if self.variants != (AS_PUBLISHED,):
            return ("stock",)
        both = self.profile == "full" or (self.profile == "quick" and device.is_gpu)
        return MODES if both else ("stock",)

    def ways_on(self, device: Device) -> list[Way]:
        """The modes on a device, each with every variant."""
        modes = self.modes_on(device)
        return [Way(mode, variant) for mode in modes for variant in self.variants]

    def published_ways_on(self, device: Device) -> list[Way]:
        """The modes on a device, as published but for what is below Keras."""
        below = dict.fromkeys(Variant(backend=each.backend) for each in self.variants)
        return [Way(mode, each) for mode in self.modes_on(device) for each in below]

    @property
    def backends(self) -> tuple[Backend, ...]:
        """What trains, each once."""
        return tuple(dict.fromkeys(each.backend or "tensorflow" for each in self.variants))

    def schedule(self, workload: Workload | OwnWorkload) -> Schedule:
        """How much of a workload is trained."""
        return workload.schedules[self.profile].with_size(self.epochs, self.images)

    def store(self, folder: Path) -> Store:
        """What prepares the data, in a temporary folder of the run."""
        from bench.datasets.prepared import Store

        named, cache = self.data_folder, self.cache_dir
        return Store(folder, named, cache, synthetic=self.synthetic, name=self.dataset)

    def check_workers(self) -> None:
        """Refuses an interpreter that cannot train, before anything is generated or downloaded.

        Raises:
            GrindstoneError: it is not there, or lacks what is to train.
        """
        within, backends = self.limits.start, self.backends
        if self.worker_image:
            self.worker_image.check(within, lambda what: print(f"{what} …", flush=True), backends)
            return
        for python in dict.fromkeys(filter(None, (self.worker_python, self.second_worker))):
            interpreter.check(python, self.worker_chosen_by, backends, within)


# What --device means to a verb that trains, or looks, on one device.
ONE_DEVICE: Mapping[str, Mapping[str, str]] = {
    "--device": {
        "metavar": "cpu|gpu:N",
        "help": "the device (default: the first GPU, else the CPU)",
    }
}


def add_options(add: Callable[..., object], without: Sequence[str] = ()) -> None:
    """Adds the options by pytest's `addoption` or argparse's `add_argument`."""
    for name, attributes in OPTIONS.items():
        if name not in without:
            add(name, **attributes)


def add_to_verb(
    parser: argparse.ArgumentParser,
    without: Sequence[str] = (),
    called: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Adds the options that a verb has; the others have their defaults.

    It has none of the cluster's, and no `--like`.

    called: the metavar or help of options that mean something else there.
    """

    def add(name: str, **attributes: Any) -> None:
        parser.add_argument(name, **{**attributes, **(called or {}).get(name, {})})

    without = (*without, *CLUSTER, "--like")
    add_options(add, without)
    for name in without:
        unnamed = False if OPTIONS[name].get("action") == "store_true" else None
        parser.set_defaults(
            **{rerun_options.attribute(name): OPTIONS[name].get("default", unnamed)}
        )


def read_settings(
    chosen: argparse.Namespace, found: Found, environments: tuple[Path, Path] | None = None
) -> Settings:
    """The options as chosen.  environments: the interpreters of sides A and B, if two are compared.

    Raises:
        GrindstoneError: what one names is not here, is broken, or is out of range.
    """
    option_values.must_name(chosen)
    planned = interpreter.read_plan(paths.from_here("--plan", chosen.plan))
    python, reason, image = _worker(chosen, planned, environments)
    limits = chosen_limits(chosen.limit)
    backend = _backend(chosen.backend or image, python, planned, limits.start)
    workloads, data = option_values.own_workloads(chosen), read_choice(chosen)
    machines, variants = cluster.read(chosen), option_values.variants(chosen, backend)
    return Settings(
        profile=chosen.profile,
        devices=cluster.devices(chosen.device, found, machines),
        devices_asked_for=None if chosen.device is None else tuple(chosen.device),
        data_dir=data.folder,
        cache_dir=paths.folder("--cache-dir", chosen.cache_dir) if chosen.cache_dir else None,
        results_dir=paths.folder("--results-dir", chosen.results_dir),
        synthetic=chosen.synthetic,
        seed=option_values.seed(chosen.seed),
        limits=limits,
        worker_python=python,
        worker_chosen_by=reason,
        worker_image=image,
        plan=planned,
        modes=option_values.words("mode", chosen.mode, MODES),
        variants=machines.variants(variants) if machines else variants,
        cluster=machines,
        inputs=option_values.words("input", chosen.input, INPUTS) or (),
        time_to_target=chosen.time_to_target,
        inference=option_values.inference(chosen),
        epochs=option_values.epochs(chosen.epochs),
        learning_curve=chosen.learning_curve,
        save_models=chosen.save_models,
        second_worker=paths.interpreter(environments[1]) if environments else None,
        interim_checks=checks_for(chosen.processes, compared=bool(environments or chosen.against)),
        against=paths.against(chosen.against),
        order_seed=secrets.randbits(32),
        workloads=workloads,
        on_request=option_values.on_request(chosen),
        data_folder=data.data_folder,
        dataset=data.name,
        page=not chosen.no_page,
        html=paths.page(chosen.html),
        rerun_options=rerun_options.words(vars(chosen)),
    )


def _backend(named: object, python: Path, plan: interpreter.Plan | None, start: float) -> Backend:
    """What trains, where it is not named; an image is looked into once it is here."""
    return BACKENDS[0] if named else interpreter.backend_of(python, plan, start)


def _worker(
    chosen: argparse.Namespace,
    planned: interpreter.Plan | None,
    environments: tuple[Path, Path] | None,
) -> tuple[Path, str, Image | None]:
    """The interpreter that trains, that of side A where there are two, why it, and its image."""
    image = option_values.image(chosen, planned, compared=environments is not None)
    if environments:
        return paths.interpreter(environments[0]), interpreter.TO_BE_COMPARED, image
    if image:
        return Path(container.PYTHON), f"in {image}", image
    return (*interpreter.chosen(chosen.worker_python or [], planned), None)
