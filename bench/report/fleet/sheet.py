"""Hosts by workloads, as text: what the terminal and the page show of a fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.errors import counted
from bench.errors import shown as printable
from bench.invocation import COMMAND
from bench.record import comparable, ending
from bench.record.comparable import OF_FIGURES, Figure
from bench.record.head import Device
from bench.record.model import Finished, Result
from bench.report import format as shown
from bench.report import rows
from bench.report.fleet import reading, twins
from bench.report.fleet.reading import Fleet, Member
from bench.report.fleet.twins import Findings, Place, Slow

NO_RECORD = "no record"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a workload came to at a place.

    epoch: the median one; "" where it did not end.
    mark: by how much it is slower than its twins, "" where it is not.
    """

    word: str
    epoch: str = ""
    mark: str = ""

    def __str__(self) -> str:
        return self.told()

    def told(self, between: str = " ", before_mark: str = " ") -> str:
        """`83.2 ms OK`, `83.2 ms OK +12 %`.  between: what stands behind the time."""
        rest = before_mark.join(filter(None, (self.word, self.mark)))
        return f"{self.epoch}{between}{rest}" if self.epoch else rest


@dataclass(frozen=True, slots=True)
class Line:
    """A host's device and the way that it trained.

    cells: by workload.
    """

    host: str
    device: str
    name: str
    way: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of a fleet, and what is to be said of it.

    headline: how many hosts, and how many of them are odd.
    notes: a line each: what is slower than its twins and why, what failed, who has no record.
    """

    headline: str
    workloads: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def headings(self) -> tuple[str, ...]:
        """Those of the columns."""
        way = ("Mode",) if self.several_ways else ()
        return ("Host", "Device", *way, *self.workloads)

    @property
    def several_ways(self) -> bool:
        """Whether hosts trained in more than one way."""
        return len({line.way for line in self.lines} - {""}) > 1

    @property
    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of each row."""
        for line in self.lines:
            way = (line.way,) if self.several_ways else ()
            device = " ".join(filter(None, (line.device, line.name)))
            cells = (str(line.cells.get(workload, "")) for workload in self.workloads)
            yield (line.host, device, *way, *cells)


def of(fleet: Fleet) -> Sheet:
    """The table of a fleet."""
    hosts = reading.newest(fleet.members)
    members = [member for runs in hosts.values() for member in runs]
    found = twins.find(trained for member in members for trained in twins.trained(member))
    lines = [line for runs in hosts.values() for line in _lines(runs, found)]
    every = (result for member in members for result in member.record.results)
    workloads = dict.fromkeys(column for result in every for column in _columns(result))
    unseen = [host for host in fleet.missing if host not in hosts]
    lines += [Line(printable(host), NO_RECORD, "", "", {}) for host in unseen]
    missing = (f"{host}: {NO_RECORD}: {why}" for host, why in fleet.missing.items())
    notes = (*_odd(found), *found.split, *_wrong(members), *missing, *_history(hosts))
    headline = _headline(len(hosts), len(unseen), found)
    return Sheet(headline, tuple(workloads), tuple(lines), tuple(map(printable, notes)))


def _history(hosts: Mapping[str, Sequence[Member]]) -> Iterator[str]:
    for host, runs in hosts.items():
        if len(runs) > 1:
            yield f"{host}: of {len(runs)} runs the newest of each row counts"


def _headline(recorded: int, missing: int, found: Findings) -> str:
    told = [counted(recorded + missing, "host")]
    if missing:
        told.append(f"{missing} without a record")
    hosts = {spot[0] for spot in found.slow} | {place[0] for place in found.otherwise}
    if hosts:
        told.append(f"{len(hosts)} unlike {'its' if len(hosts) == 1 else 'their'} twins")
    return f"Fleet: {', '.join(told)}"


def _lines(runs: Sequence[Member], found: Findings) -> Iterator[Line]:
    """Those of a host."""
    host = runs[0].name
    made: dict[tuple[str, str], tuple[Device, dict[str, Cell]]] = {}
    for result in (each for run in runs for each in rows.one_a_row(run.record.results)):
        way = f"{result.way}, side {result.side}" if result.side else str(result.way)
        _, cells = made.setdefault((result.device.id, way), (result.device, {}))
        # What failed beside repeats that did not is in the notes.
        for column, figure in _columns(result).items():
            cells.setdefault(column, _cell(host, result, figure, found))
    for (device_id, way), (device, cells) in made.items():
        yield Line(host, device_id, printable(shown.short_name(device.name)), way, cells)


def _columns(result: Result) -> dict[str, Figure]:
    """Where a result stands: by its workload, and by how fast its network answers, if measured."""
    name = printable(result.workload)
    return {
        name if figure == "epoch" else f"{name}: {OF_FIGURES[figure]}": figure
        for figure in comparable.figures_of(result)
    }


def _cell(host: str, result: Result, figure: Figure, found: Findings) -> Cell:
    if not isinstance(result, Finished):
        return Cell(ending.word(result))
    slow = found.slow.get((host, result.device.id, twins.named(result, figure)))
    mark = f"+{100 * (slow.ratio - 1):.0f} %" if slow else ""
    verdict = comparable.verdict_of(result, figure)
    word = ending.word(result) if figure == "epoch" or verdict is None else verdict.word
    return Cell(word, shown.seconds(comparable.seconds_of(result, figure)), mark)


def _odd(found: Findings) -> Iterator[str]:
    """`gpu3 gpu:0: slower than its 4 twins: mlp 12 %; driver 570.1, theirs 580.95`."""
    places: dict[Place, list[Slow]] = {}
    for each in found.slow.values():
        places.setdefault(each.trained.place, []).append(each)
    for place in dict.fromkeys((*places, *found.otherwise)):
        slow, differing = places.get(place, []), found.otherwise.get(place, {})
        told = [*_slower(slow), *_reasons(slow)]
        told += [f"{name} {own}, theirs {theirs}" for name, (own, theirs) in differing.items()]
        if slow and len(told) == 1:
            look = f"{COMMAND} show {slow[0].trained.path} -v"
            told.append(f"nothing that is recorded tells why: {look}")
        yield f"{place[0]} {place[1]}: {'; '.join(told)}"


def _slower(slow: Sequence[Slow]) -> Iterator[str]:
    if slow:
        by = ", ".join(f"{each.trained.name} {100 * (each.ratio - 1):.0f} %" for each in slow)
        count = max(each.twins for each in slow)
        whom = "twin" if count == 1 else f"{count} twins"
        yield f"slower than its {whom}: {by}"


def _reasons(slow: Sequence[Slow]) -> Iterator[str]:
    """What the training's own verdict says, and the clock."""
    verdicts = (each.trained.verdict for each in slow)
    yield from dict.fromkeys(
        f"{each.word}: {each.evidence}" for each in verdicts if each and each.word != "OK"
    )
    for own, theirs in [each.clock for each in slow if each.clock][:1]:
        yield f"SM clock {own:.0f} MHz, theirs {theirs:.0f} MHz"


def _wrong(members: Sequence[Member]) -> Iterator[str]:
    """What does not count, and why."""
    for member in members:
        for result in rows.one_a_row(member.record.results):
            if ending.word(result) in (*ending.WRONG, ending.INTERRUPTED):
                quality = isinstance(result, Finished) and result.quality.reason
                why = quality or getattr(result, "reason", "")
                name = f"{result.workload}{result.way.suffix}"
                first = str(why).strip().partition("\n")[0]
                first = first.removeprefix(f"{comparable.title(comparable.name_of(result))}: ")
                first = first.removeprefix("interrupted: ")
                where = f"{member.name} {result.device.id}"
                yield f"{where}: {name} {ending.word(result)}: {first}"
