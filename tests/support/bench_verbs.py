"""`python -m bench` within a test's process, on records that the test makes."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.__main__ import main
from bench.record.model import Finished, Result
from bench.record.verdict import Verdict
from tests.support import records

NOW = datetime.datetime(2026, 11, 21, 12, 0, 0, tzinfo=datetime.timezone.utc)

CONTENDED = Verdict("CONTENDED", "others used 60 % of the CPU", "end them")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str

    def lines(self, begins: str) -> list[str]:
        return [line for line in self.stdout.splitlines()[1:] if line.startswith(begins)]

    @property
    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.stdout)["rows"]
        return found


def compare_command(*arguments: str | Path) -> Done:
    """The command within this process, which does not import scipy for every test."""
    return command("compare", *arguments)


def command(*arguments: str | Path) -> Done:
    """`python -m bench VERB` within this process."""
    written = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(each, encoding="utf-8", write_through=True) for each in written)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([*map(str, arguments)])
    return Done(status, *(each.getvalue().decode() for each in written))


@dataclass(frozen=True)
class Files:
    """Records in a folder."""

    folder: Path

    def __call__(self, name: str, results: Sequence[Result], hour: int = 0, **head: Any) -> Path:
        started = NOW + datetime.timedelta(hours=hour)
        made = records.record(tuple(results), started=started, **head)
        return records.write(self.folder, f"{name}.json", made)


def refusal(*arguments: str | Path) -> str:
    """The one line on standard error of a comparison that cannot be made."""
    done = compare_command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: ")
    return line


def flagged(results: Sequence[Finished], verdict: Verdict = CONTENDED) -> list[Finished]:
    return [replace(each, verdict=verdict) for each in results]
