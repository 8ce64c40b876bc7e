"""What a run that was ended early has not trained, and the command that does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.errors import some
from bench.invocation import INSTALLED
from bench.judge import rerun
from bench.record.variant import AS_PUBLISHED
from bench.runner.row import Row
from bench.workloads.own import OwnWorkload

_BENCH = Path(__file__).resolve().parents[1]
# So many are named.
_NAMED = 12


def line(left: Sequence[tuple[str, Row]], count: int, words: Sequence[str]) -> str:
    """Which of so many trainings have not come to their end, and what trains them.

    left: the title and the row of each.
    words: that the run was called with.
    """
    named = some([title for title, _ in left], _NAMED)
    command = _command([row for _, row in left], words)
    return f"Not trained: {len(left)} of {count}: {named}. To train: {command}"


def _command(rows: Sequence[Row], words: Sequence[str]) -> str:
    """The same as was typed, with another choice of rows."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("-k", "--workload", *(["-c"] if INSTALLED else [])):  # `run` has -c of its own
        parser.add_argument(option, action="append")
    parser.add_argument("--lf", "--last-failed", action="store_true")
    kept = [word for word in parser.parse_known_args(words)[1] if not _is_bench(word)]
    files = [row.workload.path for row in rows if isinstance(row.workload, OwnWorkload)]
    names = " or ".join(dict.fromkeys(row.workload.name for row in rows))
    chosen = [f"--workload={path}" for path in dict.fromkeys(files)] or ["-k", names]
    machines = [row.way.variant for row in rows if row.way.variant.machines]
    return rerun.command([*kept, *chosen], machines[0] if machines else AS_PUBLISHED)


def _is_bench(word: str) -> bool:
    return not word.startswith("-") and Path(word).resolve() == _BENCH
