"""`pytest bench/` with a worker that only pretends, in folders of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.record import codec
from bench.record.model import Record
from tests.conftest import ROOT
from tests.support import fake_worker, no_data
from tests.support.program import to_the_end

# cnn_simple does not learn; the others do.
WORKER = """
begin()
for number in range(1, job["epochs"] + 1):
    epoch(number)
end(0.2 if job["workload"] == "cnn_simple" else 0.9)
"""
MLP = ("-k", "mlp")


@dataclass
class Run:
    """What a run came to."""

    status: int
    output: str
    results: Path

    @property
    def record(self) -> Record:
        (path,) = self.results.glob("*.json")
        return codec.read(path)

    @property
    def trained(self) -> list[str]:
        return [result.workload for result in self.record.results]

    @property
    def one_line(self) -> str:
        """What it said before anything was trained, with exit status 4."""
        assert self.status == 4, self.output
        assert not self.results.exists()
        lines = [line for line in self.output.splitlines() if line.startswith("ERROR")]
        assert "Traceback" not in self.output
        (line,) = lines
        return line


@dataclass
class Bench:
    """The command, in folders of its own."""

    folder: Path
    worker: Path
    before: tuple[str, ...] = ()  # a command that runs it

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def scratch(self) -> Path:
        folder = self.folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def command(self, *options: str, where: str = "bench/") -> list[str]:
        return [
            *(*self.before, sys.executable, "-m", "pytest", where),
            *("--profile=smoke", "--device=cpu"),
            # Hypothesis is the tests' own, and would be loaded at the end of each run.
            *("-p", "no:hypothesispytest", "-p", "no_data", f"--worker-python={self.worker}"),
            *(f"--results-dir={self.results}", "--plan=/nonexistent/plan.json"),
            *("-o", f"cache_dir={self.folder / 'pytest-cache'}", *options),
        ]

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {
            **{name: text for name, text in os.environ.items() if not name.startswith("PYTEST")},
            "PYTHONPATH": str(self.folder),
            "TMPDIR": str(self.scratch),
            "COLUMNS": "120",
            **variables,
        }

    def __call__(
        self, *options: str, where: str = "bench/", cwd: Path = ROOT, **variables: str
    ) -> Run:
        done = to_the_end(
            self.command(*options, where=where),
            cwd=cwd,
            env=self.environment(variables),
            timeout=300,
            together=True,
        )
        assert [path.name for path in self.scratch.iterdir()] == []
        return Run(done.returncode, done.stdout, self.results)

    def plugin(self, name: str, text: str) -> None:
        (self.folder / f"{name}.py").write_text(text, encoding="utf-8")


def made(folder: Path) -> Bench:
    """The command in a folder that is a test's own."""
    shutil.copy(no_data.__file__, folder)
    return Bench(folder, fake_worker.write(folder, WORKER))
