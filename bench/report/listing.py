"""`python -m bench list`: the runs of a folder, the newest first, a line each."""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError, RecordError, counted, shown
from bench.report.arguments import Verbs, add_results_dir, folder_of

if TYPE_CHECKING:
    from bench.record.model import Record, Result, TargetResult
    from bench.record.runs import Run

_AGO = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_GAP = "  "


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser("list", help="list the runs, the newest first")
    parser.add_argument("--workload", metavar="NAME", help="only runs that trained this")
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="only runs that trained on this: cpu, gpu, gpu:0 or a part of its model's name",
    )
    parser.add_argument(
        "--verdict",
        metavar="WORD",
        help="only runs with such a training: OK, NOISY, …, FAILED, INTERRUPTED",
    )
    parser.add_argument(
        "--since",
        metavar="WHEN",
        help="only runs that began since then: 2026-11-21, 2026-11-21T12:00 (UTC), 12h, 7d, 2w",
    )
    add_results_dir(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the list; 0 also where there is nothing to list, which a line says then.

    Raises:
        GrindstoneError: the folder cannot be read, or there is no such time or verdict.
    """
    from bench.record.runs import runs
    from bench.report.format import Screen

    since, word, folder = _since(options.since), _verdict(options.verdict), folder_of(options)
    every = runs(folder)
    chosen = [each for each in every if since is None or each.started >= since]
    lines = list(_rows(chosen, options.workload, options.device, word))
    screen = Screen.of(sys.stdout)
    for line in _aligned([[*map(shown, cells)] for cells in lines]):
        print(screen.plain(line if not sys.stdout.isatty() else _cut(line, screen.width)))
    if not lines:
        there = f"none of its {counted(len(every), 'run')} matches" if every else "no run is in it"
        there = there if folder.exists() else "it is not there"
        print(f"bench: nothing to list in {shown(folder)}: {there}", file=sys.stderr)
    return 0


def _rows(
    chosen: Sequence[Run], workload: str | None, device: str | None, word: str | None
) -> Iterator[list[str]]:
    """The cells of each run in which one training is all that is asked for."""
    from bench.record import codec

    filtered = bool(workload or device or word)
    for each in chosen:
        try:
            record = codec.read(each.path)
        except RecordError as error:
            if filtered:
                print(f"bench: skipped: {shown(error)}", file=sys.stderr)
            else:
                yield [each.name, _when(each.started), "damaged"]
            continue
        trained = [*record.results, *record.time_to_target]
        if not filtered or any(_is(one, workload, device, word) for one in trained):
            yield _cells(each.path, record, trained)


def _is(
    trained: Result | TargetResult, workload: str | None, device: str | None, word: str | None
) -> bool:
    from bench.record import ending

    at = trained.device
    return (
        workload in (None, trained.workload)
        and word in (None, ending.word(trained))
        and (
            device is None
            or device in (at.id, at.option)
            or (at.is_gpu if device == "gpu" else device.lower() in at.name.lower())
        )
    )


def _cells(path: Path, record: Record, trained: Sequence[Result | TargetResult]) -> list[str]:
    from bench.record import ending, store
    from bench.report.format import short_name

    devices = {one.device.id: short_name(one.device.name) for one in trained}
    words = Counter(map(ending.word, trained))
    interrupted = words.pop(ending.INTERRUPTED, 0)
    whole, wrong = words.total(), sum(words[word] for word in ending.WRONG)
    status = f"FAILED {wrong} of {whole}" if wrong else f"PASSED {whole}"
    doubts = [f"{count} {word}" for word, count in words.items() if word not in ("OK", "FAILED")]
    ended = ["interrupted"] if interrupted else []
    if not whole:
        status, ended = ending.INTERRUPTED if ended else "nothing trained", []
    if not record.ended:
        ended.append("goes on" if store.is_held(path) else "cut off")
    return [
        path.stem,
        _when(record.started),
        ", ".join([status, *doubts, *ended]),
        record.settings.profile,
        record.machine.host,
        ", ".join(f"{id_} ({name})" for id_, name in devices.items()),
        ", ".join(dict.fromkeys(one.workload for one in trained)),
    ]


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [
        max(len(line[column]) for line in lines if len(line) > column)
        for column in range(max(map(len, lines), default=0))
    ]
    for line in lines:
        yield _GAP.join(f"{cell:{widths[column]}}" for column, cell in enumerate(line)).rstrip()


def _cut(line: str, width: int) -> str:
    """One line in a terminal of this width."""
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _when(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.timezone.utc):%Y-%m-%d %H:%MZ}"


def _verdict(word: str | None) -> str | None:
    from bench.record.ending import words

    if word is None or word.upper() in words():
        return word and word.upper()
    raise GrindstoneError(f"--verdict {word}: no such verdict; there are {', '.join(words())}")


def _since(when: str | None) -> datetime.datetime | None:
    if when is None:
        return None
    try:
        if match := _AGO.fullmatch(when):
            ago = datetime.timedelta(**{_UNITS[match[2]]: int(match[1])})
            return datetime.datetime.now(datetime.timezone.utc) - ago
        moment = datetime.datetime.fromisoformat(when)
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
    except (ValueError, OverflowError) as error:
        raise GrindstoneError(
            f"--since {when} is no time; give 2026-11-21, 2026-11-21T12:00, 12h, 7d or 2w"
        ) from error
