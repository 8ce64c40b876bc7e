"""The odd one out: what is slower than its twins, and what is set otherwise there.

Twins train the same workload in the same way on the same model of device, wherever they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import some
from bench.record import comparable
from bench.record.comparable import OF_FIGURES, Figure, Key
from bench.record.model import Finished
from bench.record.verdict import Verdict
from bench.report import format as shown
from bench.report import rows
from bench.report.fleet.reading import Member

# A GPU that is so much slower than its twins is ill, throttled or set otherwise: cards of one model
# differ by some percent, as their clocks under load do.
SLOWER = 0.08
# The clock is told as a reason from here on: half of what makes a GPU odd.
_CLOCK = SLOWER / 2
# So many hosts are named.
_NAMED = 4

Place = tuple[str, str]  # a host's name, a device's id
Spot = tuple[str, str, str]  # and the workload with its way


@dataclass(frozen=True, slots=True)
class Trained:
    """A time of a row of a host's table: that of the middle repeat.

    figure: which of its times: a steady epoch's, or how fast the network answers.
    """

    host: str
    path: Path
    result: Finished
    key: Key
    figure: Figure = "epoch"

    @property
    def place(self) -> Place:
        """Where it was trained."""
        return self.host, self.result.device.id

    @property
    def spot(self) -> Spot:
        """Its cell in the table."""
        return self.host, self.result.device.id, self.name

    @property
    def name(self) -> str:
        """As `named` has it."""
        return named(self.result, self.figure)

    @property
    def seconds(self) -> float:
        """Its median, in s."""
        return comparable.seconds_of(self.result, self.figure)

    @property
    def verdict(self) -> Verdict | None:
        """May it be believed?"""
        return comparable.verdict_of(self.result, self.figure)

    @property
    def clock(self) -> float | None:
        """The mean SM clock meanwhile, in MHz."""
        answers = comparable.answers_of(self.result)
        seen = answers.telemetry if answers and self.figure != "epoch" else self.result.telemetry
        return seen.clocks.sm.value if seen else None


@dataclass(frozen=True, slots=True)
class Slow:
    """One that is slower than its twins.

    ratio: its time by theirs.
    """

    trained: Trained
    ratio: float
    twins: int
    clock: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What is odd in a fleet.

    slow: by host, device, workload and way.
    otherwise: what is set otherwise at a place than at most of its twins: name, own value, theirs.
    split: what twins differ in, none of them being most.
    """

    slow: Mapping[Spot, Slow]
    otherwise: Mapping[Place, Mapping[str, tuple[str, str]]]
    split: tuple[str, ...]


def trained(member: Member) -> Iterator[Trained]:
    """What a host trained to its end and learned, a row each."""
    for result in rows.counted(rows.one_a_row(member.record.results)):
        key = comparable.key_for(result, member.record)
        for figure in comparable.figures_of(result):
            yield Trained(member.name, member.path, result, key, figure)


def named(result: Finished, figure: Figure) -> str:
    """`mlp`, `mlp, tuned`, `one answer of mlp`."""
    whole = f"{result.workload}{result.way.suffix}"
    return whole if figure == "epoch" else f"{OF_FIGURES[figure]} of {whole}"


def find(every: Iterable[Trained]) -> Findings:
    """Holds each against its twins."""
    groups: dict[tuple[str, ...], list[Trained]] = defaultdict(list)
    for each in every:
        groups[_kind(each)].append(each)
    slow: dict[Spot, Slow] = {}
    otherwise: dict[Place, dict[str, tuple[str, str]]] = defaultdict(dict)
    split: dict[str, None] = {}
    for twins in groups.values():
        if len(twins) < 2:
            continue
        for one in _slower(twins):
            slow[one.trained.spot] = one
        for each, differing in _set_otherwise(twins):
            otherwise[each.place].update(differing)
        split.update(dict.fromkeys(_split(twins)))
    return Findings(slow, otherwise, tuple(split))


def _kind(each: Trained) -> tuple[str, ...]:
    """What twins share.  Processors of one model come with more cores and with fewer."""
    device = each.result.device
    own = (device.name, "" if device.slice is None else "slice", device.group or "")
    threads = "" if device.is_gpu else each.key["threads"]
    return (each.name, each.result.side or "", *own, threads, each.key["devices"])


def _slower(twins: list[Trained]) -> Iterator[Slow]:
    medians = _Others(each.seconds for each in twins)
    clocks = _Others(each.clock for each in twins)
    for each in twins:
        theirs = medians.without(each.seconds)
        if theirs and each.seconds >= (1 + SLOWER) * theirs:
            own = each.clock
            usual = clocks.without(own)
            lower = own and usual and own <= (1 - _CLOCK) * usual
            told = (own, usual) if own and usual and lower else None
            yield Slow(each, each.seconds / theirs, len(twins) - 1, told)


class _Others:
    """The median of all values but one, for each of them: sorted once."""

    def __init__(self, values: Iterable[float | None]) -> None:
        self._sorted = sorted(value for value in values if value is not None)
        self._indices = {value: index for index, value in enumerate(self._sorted)}

    def without(self, value: float | None) -> float | None:
        """The median of the others; None where there are none."""
        index = len(self._sorted) if value is None else self._indices[value]
        count = len(self._sorted) - (value is not None)
        if count < 1:
            return None
        middle = ((count - 1) // 2, count // 2)
        low, high = (self._sorted[number + (number >= index)] for number in middle)
        return (low + high) / 2


def _set_otherwise(twins: list[Trained]) -> Iterator[tuple[Trained, dict[str, tuple[str, str]]]]:
    """Those that are set otherwise than most, by name with their own value and the others'."""
    usual = {}
    for name, values in _values(twins).items():
        value, count = values.most_common(1)[0]
        if 2 * count > len(twins):
            usual[name] = value
    for each in twins:
        # Another Keras may write the same network otherwise.
        but = ("network",) if each.key["Keras"] != usual.get("Keras") else ()
        differing = comparable.differing_names(usual, each.key, but=but)
        if differing:
            yield each, {name: (own, theirs) for name, (theirs, own) in differing.items()}


def _split(twins: list[Trained]) -> Iterator[str]:
    """`H100: driver 570.1 on a; 580.2 on b`."""
    for name, values in _values(twins).items():
        if len(values) < 2 or 2 * values.most_common(1)[0][1] > len(twins) or name == "network":
            continue
        hosts: dict[str, dict[str, None]] = defaultdict(dict)
        for each in twins:
            hosts[each.key.get(name, "")][each.host] = None
        told = "; ".join(f"{value} on {some([*on], _NAMED)}" for value, on in hosts.items())
        yield f"{shown.short_name(twins[0].result.device.name)}: {name} {told}"


def _values(twins: list[Trained]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for each in twins:
        for name, value in each.key.items():
            counted[name][value] += 1
    return counted
