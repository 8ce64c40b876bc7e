"""Matches a long log with the rows in several processes, a chunk at a time each."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from .normalization import Languages
from .scan import AROUND, Sighting, scan
from .symptoms import Symptom

LONG = 1 << 24  # bytes of a log from which on it is worth the processes
CHUNK = 1 << 21
MOST = 2  # processes: each takes some 55 MB of memory


class Chunk(NamedTuple):
    """Whole lines, with some before and after them.  first: the number of its first, from 0."""

    before: bytes
    text: bytes
    after: bytes
    first: int


class WorkerLostError(RuntimeError):
    """A process has ended before it has answered.  The text is one line."""


def scan_log(
    pieces: Iterable[bytes], symptoms: Iterable[Symptom], languages: Languages
) -> list[Sighting]:
    """What `scan` tells, of a log of any length."""
    known, rest = tuple(symptoms), iter(pieces)
    start: list[bytes] = []
    while sum(map(len, start)) < LONG:
        piece = next(rest, None)
        if piece is None:
            return scan(start, known, languages)
        start.append(piece)
    workers = min(MOST, len(os.sched_getaffinity(0)))
    if workers < 2:
        return scan(itertools.chain(start, rest), known, languages)
    return _shared(itertools.chain(start, rest), known, languages, workers)


def chunks(pieces: Iterable[bytes], size: int = CHUNK) -> Iterator[Chunk]:
    """A log in chunks; a line that has no end is cut."""
    before, text, first = b"", b"", 0
    for piece in pieces:
        text += piece
        while len(text) >= size + 2 * AROUND:
            end = text.rfind(b"\n", 0, size) + 1 or size
            own, text = text[:end], text[end:]
            yield Chunk(before, own, text[: 2 * AROUND], first)
            tail = (before + own)[-2 * AROUND :]
            before, first = tail.partition(b"\n")[2] or tail, first + own.count(b"\n")
    yield Chunk(before, text, b"", first)


def look_at(chunk: Chunk, symptoms: Iterable[Symptom], languages: Languages) -> list[Sighting]:
    """What begins in the chunk's own lines, which are counted in the whole log."""
    found = scan([chunk.text + chunk.after], symptoms, languages, chunk.before)
    last = chunk.text.count(b"\n") + (not chunk.after)
    return [
        each._replace(line=each.line + chunk.first, last=each.last + chunk.first)
        for each in found
        if each.line <= last
    ]


def _shared(
    pieces: Iterable[bytes], symptoms: tuple[Symptom, ...], languages: Languages, count: int
) -> list[Sighting]:
    """The chunks to whoever is free; what has been found is not looked for again."""
    rows = {row.name: row for row in symptoms}
    found: dict[str, Sighting] = {}
    workers = _started(count, rows, languages)
    try:
        idle = list(workers)
        busy: list[Connection] = []
        for chunk in chunks(pieces):
            if not idle:
                idle = _answers(busy, rows, found)
            worker = idle.pop()
            worker.send((chunk, frozenset(found)))
            busy.append(worker)
        while busy:
            _answers(busy, rows, found)
    except (EOFError, OSError) as error:
        raise WorkerLostError("a process that read the log was ended from outside") from error
    finally:
        for worker in workers:
            worker.close()
    return [found[name] for name in rows if name in found]


def _answers(
    busy: list[Connection], rows: dict[str, Symptom], found: dict[str, Sighting]
) -> list[Connection]:
    """Those who have answered, once there is one."""
    ready = [each for each in wait(busy) if isinstance(each, Connection)]
    for worker in ready:
        for name, line, last, said, words in worker.recv():
            if name not in found or line < found[name].line:
                found[name] = Sighting(rows[name], line, last, said, words)
        busy.remove(worker)
    return ready


def _started(count: int, rows: dict[str, Symptom], languages: Languages) -> list[Connection]:
    """The processes' ends; they end when these are closed, or with this process."""
    context = multiprocessing.get_context("fork")
    ends: list[Connection] = []
    for _number in range(count):
        ours, theirs = context.Pipe()
        ends.append(ours)
        work = context.Process(target=_work, args=(theirs, list(ends), rows, languages))
        work.daemon = True
        work.start()
        theirs.close()
    return ends


def _work(
    door: Connection, others: list[Connection], rows: dict[str, Symptom], languages: Languages
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C ends who has started this
    for end in others:
        end.close()
    try:
        while True:
            chunk, known = door.recv()
            sought = [row for name, row in rows.items() if name not in known]
            seen = look_at(chunk, sought, languages)
            door.send([(each.symptom.name, *each[1:]) for each in seen])
    except EOFError:
        return
