"""`python -m bench compare A B`."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError

if TYPE_CHECKING:
    from bench.compare.choice import Choose
    from bench.compare.comparison import Compared
    from bench.compare.rows import Reading

HELP = "are the trainings of one record slower than those of another?"
_DESCRIPTION = """\
Compares two records row by row: what B's trainings take against A's.

A is a file, or `last`: for each row the newest record before B in --results-dir that is comparable
and has nothing against it, or `best`: the fastest such record.  With A alone, a record of two
environments (--worker-python twice), its two sides are compared.

Exit status: 0, 1 when a row is SLOWER, 2 when nothing could be compared.
"""
SLOWER, NOTHING = 1, 2


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "compare",
        help=HELP,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", metavar="A", help="a record, `last` or `best`")
    parser.add_argument("b", metavar="B", nargs="?", type=Path, help="the record that is judged")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--results-dir",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="where `last` and `best` are looked for (default: results)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compares, prints, and returns the exit status.

    Raises:
        GrindstoneError: a record cannot be read, or is not one to compare with.
    """
    from bench.compare import comparison, rows

    passed_over: Sequence[str] = ()
    if options.b is None:
        record = rows.read(_one_file(options.a))
        if not record.two_sided:
            raise GrindstoneError(
                f"{options.a} holds one environment; name the record to compare it with as well: "
                f"python -m bench compare last {options.a}"
            )
        compared = comparison.between_sides(record)
        a, b = (f"side {side} of {record.path}" for side in "AB")
    else:
        now = rows.read(options.b)
        choose, passed_over = baseline(options.a, options.results_dir, now)
        compared = comparison.between_records(now, choose)
        a, b = in_words(options.a, options.results_dir), str(now.path)
    for line in passed_over:
        print(f"bench: passed over: {line}", file=sys.stderr)
    if options.json:
        print(as_json(compared, a, b))
    else:
        _show(compared, a, b)
    return status(compared)


def baseline(against: str, folder: Path, now: Reading | None) -> tuple[Choose, Sequence[str]]:
    """What `against` means, a file, `last` or `best`, and which files could not be read.

    now: the record that is judged; only older ones count as `last`, and any other as `best`.

    Raises:
        GrindstoneError: the file cannot be read, or there is no record in the folder.
    """
    from bench.compare import choice, rows

    if against not in ("last", "best"):
        return choice.with_record(rows.read(Path(against))), ()
    others = [path for path in sorted(folder.glob("*.json")) if not _is(path, now)]
    readings, damaged = [], []
    for path in others:
        try:
            readings.append(rows.read(path))
        except GrindstoneError as error:  # one bad file must not take the good ones with it
            damaged.append(str(error))
    if not readings:
        told = f" ({damaged[0]})" if damaged else ""
        raise GrindstoneError(
            f"there is no record in {folder} to compare with{told}; run `pytest bench/` first, "
            "or name another folder with --results-dir"
        )
    if against == "best":
        return choice.with_fastest(readings), damaged
    earlier = [each for each in readings if now is None or each.started <= now.started]
    return choice.with_newest(earlier), damaged


def status(compared: Sequence[Compared]) -> int:
    """The exit status that answers make."""
    words = {row.word for row in compared}
    if "SLOWER" in words:
        return SLOWER
    return NOTHING if words <= {"not comparable"} else 0


def as_json(compared: Sequence[Compared], a: str, b: str) -> str:
    """The comparison for a machine."""
    from bench.compare import answers, comparison

    return json.dumps(
        {
            "schema": 1,
            "a": a,
            "b": b,
            "false_alarms": answers.FALSE_ALARMS,
            "least_effect": answers.LEAST_EFFECT,
            "notable_effect": answers.NOTABLE_EFFECT,
            "rows": [comparison.as_json(row) for row in compared],
        },
        indent=2,
    )


def _one_file(word: str) -> Path:
    if word in ("last", "best"):
        raise GrindstoneError(
            f"`{word}` is what a record is compared with; name the record that is judged as well: "
            f"python -m bench compare {word} FILE"
        )
    return Path(word)


def in_words(against: str, folder: Path) -> str:
    """What `--against` means, for a heading."""
    meant = {"last": "the last comparable record", "best": "the fastest comparable record"}
    return f"{meant[against]} of each row in {folder}" if against in meant else against


def _is(path: Path, now: Reading | None) -> bool:
    return now is not None and path.resolve() == now.path.resolve()


def _show(compared: Sequence[Compared], a: str, b: str) -> None:
    from bench.compare import table

    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else table.WIDTH_IN_A_FILE
    shown = table.text(compared, a, b, width=width, colours=terminal)
    print(table.showable(shown, sys.stdout.encoding or "ascii"), end="")
