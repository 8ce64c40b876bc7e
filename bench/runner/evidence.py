"""Remakes the evidence that the floors stand on: what every workload reaches, over several seeds.

    python -m bench evidence --data-dir DIR      # with MNIST's files: real and synthetic rows
    python -m bench evidence                     # synthetic rows only
    python -m bench evidence --table             # prints them for docs/floors.md, trains nothing

Takes hours on two cores.  Rows that are there already are kept, so it can be interrupted and run
again; delete a row, or the file, to have it measured anew.  No time is measured here.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
import tempfile
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datasets.choice import usable
from bench.datasets.prepared import Prepared, Store
from bench.errors import GrindstoneError
from bench.judge.floors import EVIDENCE, SEEDS_NEEDED, Reached, bounds, read_evidence
from bench.observe.devices import find
from bench.record.head import Device
from bench.runner import interpreter, paths
from bench.runner.events import ignore
from bench.runner.limits import DEFAULT_LIMITS
from bench.runner.row import Row
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker.messages import Job
from bench.workloads import EVERY
from bench.workloads.workload import ERRORS, PROFILES, ProfileName, Schedule, Workload


@dataclass(frozen=True, slots=True)
class Series:
    """Profiles of one workload that differ in epochs alone: the longest passes through the rest."""

    workload: Workload
    profiles: tuple[ProfileName, ...]

    @property
    def longest(self) -> Schedule:
        """The schedule that is trained."""
        return max((self.workload.schedules[p] for p in self.profiles), key=lambda s: s.epochs)


def run(options: argparse.Namespace) -> int:
    """Trains what is missing and appends its rows.

    Raises:
        GrindstoneError: something could not be trained.
    """
    if options.table:
        print(table(read_evidence()))
        return 0
    if options.seeds < 1:
        raise GrindstoneError(f"--seeds {options.seeds} is out of range; give 1 or more")
    for name, named in (("--data-dir", options.data_dir), ("--cache-dir", options.cache_dir)):
        if named == "":
            raise GrindstoneError(f"{name} names nothing; give DIR, or leave it out")
    data_dir = options.data_dir and paths.from_here("--data-dir", options.data_dir)
    cache_dir = options.cache_dir and paths.folder("--cache-dir", options.cache_dir)
    device = find().devices[0]
    if not options.worker:
        planned = interpreter.read_plan()
        options.worker = planned.interpreter if planned else Path(sys.executable)
    with tempfile.TemporaryDirectory(prefix="grindstone-") as folder:
        for source in dict.fromkeys((data_dir, None)):  # the generators come last
            store = Store(
                Path(folder) / ("real" if source else "synthetic"),
                usable(source) if source else None,
                cache_dir,
                synthetic=source is None,
            )
            for series in _series(options.workload, options.profile or PROFILES):
                _gather(series, store, device, options, Path(folder))
    return 0


def table(evidence: list[Reached]) -> str:
    """The evidence and the bounds that follow from it, as a Markdown table."""
    lines = [
        "| workload | data | profile | epochs × images | seeds, worst to best | floor | bound |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, data, profile in dict.fromkeys((r.workload, r.data, r.profile) for r in evidence):
        workload = EVERY[name]
        rows = [r for r in evidence if (r.workload, r.data, r.profile) == (name, data, profile)]
        baselines = {"mean_predictor_mse": rows[0].mean_predictor, "best_possible_mse": 0.0}
        held = bounds(workload, data, profile, baselines, evidence)
        values = sorted((r.quality for r in rows), reverse=workload.metric in ERRORS)
        schedule = workload.schedules[profile]
        cells = (
            f"`{name}`",
            data,
            profile,
            f"{schedule.epochs} × {schedule.train or 'all'}",
            ", ".join(held.show(value) for value in values),
            held.show(held.floor),
            "best possible" if workload.metric in ERRORS else held.show(held.bound),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _gather(
    series: Series, store: Store, device: Device, options: argparse.Namespace, folder: Path
) -> None:
    prepared = store.prepare(series.workload, series.longest)
    for seed in range(1, options.seeds + 1):
        missing = [p for p in series.profiles if not _known(series.workload, prepared, p, seed)]
        if not missing:
            continue
        longest = Series(series.workload, tuple(missing)).longest
        reached = _train(series.workload, longest, prepared, device, seed, options.worker, folder)
        guess = round(prepared.dataset.baselines.get("mean_predictor_mse", 0.0), 3)
        for profile in missing:
            quality = reached[series.workload.schedules[profile].epochs]
            names = (series.workload.name, prepared.dataset.kind, profile, seed)
            _append(Reached(*names, round(quality, 4), guess))
            print(f"{series.workload.name} {prepared.dataset.kind} {profile} {seed}: {quality:.4f}")


def _train(
    workload: Workload,
    schedule: Schedule,
    prepared: Prepared,
    device: Device,
    seed: int,
    interpreter: Path,
    folder: Path,
) -> dict[int, float]:
    """The quality after each epoch at which some profile of the workload ends."""
    job = Job(
        workload.name,
        is_gpu=device.is_gpu,
        epochs=schedule.epochs,
        seed=seed,
        data=prepared.files,
        evaluate_after=tuple(sorted({s.epochs for s in workload.schedules.values()})),
    )
    title = Row(workload, device).title
    launch = Launch(title, device, interpreter, DEFAULT_LIMITS, folder)
    with WorkerProcess(job, launch, ignore) as worker:
        reached = {e.number: e.quality for e in worker.epochs() if e.quality is not None}
        worker.outcome()
    return reached


def _series(
    names: Container[str] | None, profiles: Container[ProfileName] = PROFILES
) -> Iterator[Series]:
    """Each workload's profiles, those of one size together, cheapest first."""
    for workload in EVERY.values():
        if workload.learns_like or (names and workload.name not in names):
            continue
        wanted = [profile for profile in PROFILES if profile in profiles]
        sizes = {(s.train, s.test) for s in map(workload.schedules.__getitem__, wanted)}
        for size in sorted(sizes, key=lambda size: size[0] or sys.maxsize):
            alike = tuple(
                p
                for p in wanted
                if (workload.schedules[p].train, workload.schedules[p].test) == size
            )
            yield Series(workload, alike)


def _known(workload: Workload, prepared: Prepared, profile: ProfileName, seed: int) -> bool:
    wanted = (workload.name, prepared.dataset.kind, profile, seed)
    rows = read_evidence() if EVIDENCE.exists() else []
    return wanted in [(row.workload, row.data, row.profile, row.seed) for row in rows]


def _append(row: Reached) -> None:
    new = not EVIDENCE.exists()
    with EVIDENCE.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(field.name for field in dataclasses.fields(Reached))
        writer.writerow(dataclasses.astuple(row))


def add(verbs: Any) -> None:
    """Adds the verb `evidence`."""
    parser = verbs.add_parser("evidence", help="measure the missing evidence of the floors")
    parser.set_defaults(run=run)
    parser.add_argument("--data-dir", metavar="DIR", help="a folder with MNIST's IDX files")
    parser.add_argument("--cache-dir", metavar="DIR", help="where generated data are kept")
    parser.add_argument("--table", action="store_true", help="print the table and train nothing")
    parser.add_argument(
        "--seeds", metavar="N", type=int, default=SEEDS_NEEDED, help="how many seeds (default: 5)"
    )
    names = [each.name for each in EVERY.values() if not each.learns_like]
    parser.add_argument(
        "--workload",
        metavar="NAME",
        action="append",
        choices=names,
        help="only this one; may be repeated",
    )
    parser.add_argument(
        "--profile", action="append", choices=PROFILES, help="only this one; may be repeated"
    )
    parser.add_argument(
        "--worker", metavar="PYTHON", type=Path, help="an interpreter that has TensorFlow"
    )
