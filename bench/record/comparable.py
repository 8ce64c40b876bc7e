"""Which rows of two records may be compared: their repeats, and what must be the same."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from bench.errors import counted
from bench.invocation import BENCHMARK, COMMAND
from bench.record import codec
from bench.record.ending import was_interrupted
from bench.record.head import WITHHELD, Device, Head
from bench.record.inference import Inference
from bench.record.measured import NOT_RECORDED
from bench.record.model import Failed, Finished, Record, Result, TimeToTarget
from bench.record.repeats import ENOUGH, LEAST_REPEATS, Side
from bench.record.variant import Way
from bench.record.verdict import Verdict
from bench.workloads.backend import FRAMEWORKS

# What of a training is compared: a steady epoch, or how fast the trained network answers.
Figure = Literal["epoch", "latency", "throughput"]
FIGURES: tuple[Figure, ...] = get_args(Figure)
OF_FIGURES: Mapping[Figure, str] = {
    "epoch": "an epoch",
    "latency": "one answer",
    "throughput": "a batch of answers",
}


class Name(NamedTuple):
    """What is compared of a row; its device is without its model."""

    workload: str
    device: Device
    way: Way
    figure: Figure = "epoch"


Key = Mapping[str, str]

# What has a version, one in each key.
TITLES = tuple(framework.title for framework in FRAMEWORKS.values())

# What differs between the two sides of one run, and is meant to; and the network's fingerprint,
# which another Keras may write otherwise: one checkout trained both.
OF_THE_ENVIRONMENT = (*TITLES, "Keras", "network")

# What may differ between two machines, whose times are put side by side and not judged.
OF_THE_MACHINE = (
    *("GPU", "driver", "power limit", "processor", "threads", "environment", "libraries"),
    *(*TITLES, "Keras", "XLA", "precision", "deterministic ops"),
)

# What Docker calls a container, another one in every run: it tells nothing of the machine.
_CONTAINER = re.compile(r"[0-9a-f]{12}")

_NEW_BASELINE = f"make a new baseline: {BENCHMARK} --processes {ENOUGH}"
_BOTH_IN_ONE_RUN = f"train with both in one run: {COMMAND} compare-envs PYTHON_A PYTHON_B"
_FIXES = {
    "GPU": "compare on one GPU",
    "driver": f"go back to that driver, or {_NEW_BASELINE}",
    "power limit": "sudo nvidia-smi -pl WATTS sets it",
    "processor": "compare on one machine",
    "threads": "taskset chooses the processors; TF_NUM_INTRAOP_THREADS the threads",
    "environment": "unset these variables, or set them both times",
    "libraries": "train with the environment's own both times: unset LD_LIBRARY_PATH, LD_PRELOAD",
    "image": "train in one image, or outside of containers both times",
    "backend": "two backends are two trainings: put their rows of one run side by side",
    **dict.fromkeys(TITLES, _BOTH_IN_ONE_RUN),
    "Keras": _BOTH_IN_ONE_RUN,
    "network": f"the network or its training was changed; {_NEW_BASELINE}",
    "file": f"the file with the model was changed; {_NEW_BASELINE}",
    "mode": "use one --mode",
    "devices": "use one --device, with the same GPUs",
    "input": "use one --input, on the same file system",
    "data": "train on the same files (--data-dir), or on generated data both times (--synthetic)",
    "profile": "use one --profile",
    "quality": "use --learning-curve both times, or never",
    "clock": _NEW_BASELINE,
    "inference": f"another Grindstone, or another batch; {_NEW_BASELINE} --inference",
    "program": f"another Grindstone trains this mode otherwise; {_NEW_BASELINE}",
}


@dataclass(slots=True)
class Row:
    """One workload on one device in one mode: everything that was trained of it on a side.

    name: of the row, and of which of its times.
    medians: s, the median of each repeat that may be compared, by its number.
    excluded: why each of the others may not.
    key: what its repeats share; the last one's where they do not.
    difference: what they do not share, in words, or None.
    file: that the workload is in, where it is none of Grindstone's.
    host, uuids: whose it is: the machine's name, and those of the GPUs.
    rerun_options: the options that train it again as it was, but what names the row.
    """

    name: Name
    medians: dict[int, float] = field(default_factory=dict)
    excluded: list[str] = field(default_factory=list)
    key: Key | None = None
    difference: str | None = None
    file: str | None = None
    host: str = ""
    uuids: tuple[str, ...] = ()
    rerun_options: Sequence[str] = ()

    @property
    def why_excluded(self) -> str:
        """`2 CONTENDED, 1 failed`, or nothing."""
        return ", ".join(f"{count} {why}" for why, count in Counter(self.excluded).items())

    def add(self, result: Result, head: Head) -> None:
        """Takes one more repeat."""
        self.file = result.file.path if result.file else None
        self.host, self.uuids = head.machine.host, result.device.uuids
        self.rerun_options = head.settings.rerun_options
        why = why_excluded(result, self.name.figure)
        if why is not None or not isinstance(result, Finished):
            self.excluded.append(why or "failed")
            return
        key = {**key_for(result, head), **_key_of(result, self.name.figure)}
        if self.key is not None and self.difference is None:
            self.difference = difference(self.key, key)
        self.key = key
        self.medians[result.repeat] = seconds_of(result, self.name.figure)


def fix_for(rows: Iterable[Row]) -> str:
    """What to do where no repeat of these counts: what was interrupted has no fix to apply."""
    reasons = {why for row in rows for why in row.excluded}
    return "train again" if reasons == {"interrupted"} else "apply its fix, and train again"


@dataclass(slots=True)
class Rows:
    """The rows of a record, which may still grow.

    path: its file.
    sides: the rows by name, by side; None is the side of a record that has no two.
    """

    path: Path
    head: Head
    sides: dict[Side | None, dict[Name, Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, record: Record) -> Rows:
        """Those of a record."""
        rows = cls(path, record)
        for result in record.results:
            rows.add(result)
        return rows

    def add(self, result: Result) -> None:
        """Takes one more result: the cost of a check grows with the rows, not with the results."""
        for name in names_of(result):
            rows = self.sides.setdefault(result.side, {})
            rows.setdefault(name, Row(name)).add(result, self.head)

    @property
    def alone(self) -> dict[Name, Row]:
        """The rows of a record that has no two sides."""
        return self.sides.get(None, {})

    @property
    def two_sided(self) -> bool:
        """Whether two environments were trained with."""
        return "B" in self.sides

    @property
    def interim_checks(self) -> int:
        """How often it was checked whether rows are clear: each is a chance of a false alarm."""
        return len(self.head.settings.interim_checks)


Found = tuple[Row, Rows]


def read(path: Path) -> Rows:
    """The rows of the record in a file.

    Raises:
        RecordError: there is none, it is damaged, or this version cannot read it.
    """
    return Rows.of(path, codec.read(path))


def name_of(result: Result) -> Name:
    """What a result is a repeat of; the same GPU model may sit in another slot's machine."""
    on = result.device
    return Name(result.workload, Device("", on.index, on.slice, on.group), result.way)


def names_of(result: Result) -> tuple[Name, ...]:
    """The same, with that of its answers where these were measured."""
    name = name_of(result)
    return tuple(name._replace(figure=each) for each in figures_of(result))


def figures_of(result: Result) -> tuple[Figure, ...]:
    """What was measured of it."""
    answered = isinstance(result, Finished) and answers_of(result) is not None
    return FIGURES if answered else FIGURES[:1]


def answers_of(result: Finished) -> Inference | None:
    """How fast its network answers, where that is known."""
    return result.inference.value if result.inference else None


def seconds_of(result: Finished, figure: Figure) -> float:
    """The median time, in s; of what was not measured that of an epoch."""
    answers = answers_of(result)
    if figure == "epoch" or answers is None:
        return result.epochs.median
    return (answers.latency if figure == "latency" else answers.throughput).median


def verdict_of(result: Finished, figure: Figure) -> Verdict | None:
    """Whether that may be believed; None in records of schema 1."""
    answers = answers_of(result)
    return result.verdict if figure == "epoch" or answers is None else answers.verdict


def title(name: Name) -> str:
    """`mlp on cpu`, `mlp on gpu:0, tuned`, `one answer of mlp on cpu`."""
    whole = f"{name.workload} on {name.device.id}{name.way.suffix}"
    return whole if name.figure == "epoch" else f"{OF_FIGURES[name.figure]} of {whole}"


def _key_of(result: Finished, figure: Figure) -> Key:
    """What has to be alike besides before answers are compared."""
    answers = answers_of(result)
    if figure == "epoch" or answers is None:
        return {}
    batch = f", {answers.throughput.batch} in a batch" if figure == "throughput" else ""
    return {"inference": f"program {answers.program}{batch}"}


def key_for(result: Finished, head: Head) -> Key:
    """What has to be alike before two times may be compared, by name."""
    worker, device = result.worker, result.device
    pinned = worker.pinned
    of_gpu = {
        "GPU": device.name,
        "driver": str(head.machine.driver),
        "power limit": _power_limit(result),
    }
    read, own = result.input, result.file
    in_memory = result.dataset.note if own else "arrays in memory"
    return {
        "backend": worker.framework,
        "mode": str(result.way),
        "devices": _devices(result),
        "input": f"files ({read.source}, {read.file_system})" if read else in_memory,
        "clock": "with pauses" if result.epochs.pauses_included else "without pauses",
        **(of_gpu if device.is_gpu else {}),
        "processor": head.machine.cpu.name,
        "threads": str(pinned.threads),
        "environment": pinned.variables or "none",
        "libraries": worker.foreign or "its own",
        worker.framework: worker.version,
        "image": worker.image or "none",
        "Keras": worker.keras,
        "program": str(pinned.program),
        "XLA": "on" if pinned.xla else "off",
        "precision": pinned.precision + (", TF32" if device.is_gpu and pinned.tf32 else ""),
        "deterministic ops": "on" if pinned.deterministic_ops else "off",
        **({"file": f"{Path(own.path).name} {own.sha256[:12]}"} if own else {}),
        "network": result.model.workload_sha256[:12],
        "data": f"{result.dataset.kind} {result.dataset.name} {result.dataset.sha256[:12]}",
        "quality": "after every epoch" if result.epochs.quality else "after the last epoch",
        "profile": f"{head.settings.profile}, {len(result.epochs.steady) + 1} epochs",
    }


def differing_names(before: Key, now: Key, but: Iterable[str] = ()) -> dict[str, tuple[str, str]]:
    """The names in which two keys differ, each with both values.  but: names that may differ."""
    pairs = {name: (before[name], now.get(name, NOT_RECORDED)) for name in before}
    differing = {name: p for name, p in pairs.items() if name not in but and len(set(p)) > 1}
    if "backend" in differing:  # all else that follows from it says no more
        return {"backend": differing["backend"]}
    return differing


def difference(before: Key, now: Key, *, but: Iterable[str] = ()) -> str | None:
    """What makes two keys incomparable and what to do about the first of it, or None.

    but: names that may differ.
    """
    differing = differing_names(before, now, but)
    if not differing:
        return None
    unsaid = any(NOT_RECORDED in pair for pair in differing.values())
    first = next(iter(differing))
    return (
        f"{_words(differing)}; {_NEW_BASELINE if unsaid else _FIXES.get(first, 'train both alike')}"
    )


def _words(differing: Mapping[str, tuple[str, str]]) -> str:
    """`driver 580.95.05 → 595.12, threads 2 → 4`."""
    return ", ".join(f"{name} {old} → {new}" for name, (old, new) in differing.items())


def other_machine(before: Row, now: Row) -> str | None:
    """How the machines of two rows differ, in words; None where they are one, or may well be."""
    if before.uuids and now.uuids and now.name[1].slice is None:  # another slice may be made alike
        if set(before.uuids) == set(now.uuids):
            return None
        owners = {"GPU": (", ".join(before.uuids), ", ".join(now.uuids))}
    elif before.host == now.host != WITHHELD or any(
        _CONTAINER.fullmatch(host) for host in (before.host, now.host)
    ):
        return None
    else:
        owners = {}
    if before.host != now.host or WITHHELD in (before.host, now.host):
        owners = {"machine": (before.host, now.host)}
    return _words({**owners, **differing_names(before.key or {}, now.key or {})})


def row_difference(before: Row, now: Row, but: Iterable[str] = ()) -> str | None:
    """What makes two rows incomparable, or None.  but: parts of the key that may differ."""
    if before.difference or now.difference:
        return before.difference or now.difference
    if before.key is None or now.key is None:
        return None
    return difference(before.key, now.key, but=but)


def _devices(result: Finished) -> str:
    """`1`, `2 together`, `1, beside 3 others`."""
    if result.concurrent is None:
        replicas = result.worker.replicas
        how = f" by {result.machines.communication}" if result.machines else ""
        return f"{replicas} together{how}" if replicas > 1 else "1"
    return f"1, beside {counted(len(result.concurrent.devices), 'other')}"


def _power_limit(result: Finished) -> str:
    """`350 W`; where the GPU has none to tell, that is what has to be alike."""
    if result.telemetry is None:
        return NOT_RECORDED
    limit = result.telemetry.power.limit
    if limit.value is None:
        return NOT_RECORDED if limit.why == NOT_RECORDED else f"n/a ({limit.why})"
    return f"{limit.value:.0f} W"


def why_excluded(result: Finished | TimeToTarget | Failed, figure: Figure = "epoch") -> str | None:
    """What keeps one of its times out of every comparison, in a word, or None.

    Records of schema 1 have no verdicts: their trainings pass by their quality.
    """
    if isinstance(result, Failed):
        return "interrupted" if was_interrupted(result) else "failed"
    if not result.quality.ok:
        return "BELOW-FLOOR"
    verdict = verdict_of(result, figure) if isinstance(result, Finished) else result.verdict
    word = "OK" if verdict is None else verdict.word
    return None if word == "OK" else word


def comparable(now: Row, records: Iterable[Rows]) -> tuple[list[Found], str]:
    """The rows that one may be held against, the newest first; or why there is none."""
    # Records of two environments are no baseline of one.
    named = [(r.alone[now.name], r) for r in records if now.name in r.alone and not r.two_sided]
    clean = [(row, record) for row, record in named if row.medians]
    own = [(row, record) for row, record in clean if other_machine(row, now) is None]
    found = [(row, record) for row, record in own if row_difference(row, now) is None]
    # A quick look with one repeat does not take the place of a baseline that has several.
    several = [each for each in found if len(each[0].medians) >= LEAST_REPEATS]
    if found or not named:
        return several or found, "no other record has it"
    if clean and not now.medians:
        return [], f"none of its own repeats counts ({now.why_excluded}); {fix_for([now])}"
    if clean:
        nearest, record = (own or clean)[0]
        why = row_difference(nearest, now) if own else other_machine(nearest, now)
        return [], f"{why} (nearest: {record.path})"
    row, record = named[0]
    return [], f"no record has a clean row of it ({record.path}: {row.why_excluded})"


def fastest(now: Row, records: Iterable[Rows]) -> tuple[list[Found], str]:
    """The same, the fastest first."""
    found, why = comparable(now, records)
    return sorted(found, key=lambda each: statistics.median(each[0].medians.values())), why
