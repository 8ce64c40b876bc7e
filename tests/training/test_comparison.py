"""`python -m bench compare-envs`, and `pytest bench/ --against`, as a person runs them.

The worker only pretends: it says at once what it was told to take, so that the answers are known.
"""

from __future__ import annotations

import dataclasses
import json
import re
import statistics
import sys
from pathlib import Path

import msgspec
import pytest

from bench.judge.floors import read_evidence
from bench.record.codec import encode, read
from bench.record.model import Failed, Finished, Record
from bench.runner.interpreter import CAN_TRAIN
from tests.support import program
from tests.support.program import python
from tests.training.command import Command, Ended

_QUALITY = statistics.median(
    row.quality
    for row in read_evidence()
    if (row.workload, row.data, row.profile) == ("mlp", "synthetic", "smoke")
)
_WORKER = """#!{python}
import json, pathlib, sys
if sys.argv[1] == "-c":
    sys.exit({can_train})
def say(event, **fields):
    print(json.dumps({{"event": event, **fields}}), flush=True)
told = pathlib.Path(__file__).with_suffix(".json")
seconds = json.loads(told.read_text())
count = told.with_suffix(".count")
number = int(count.read_text()) if count.exists() else 0
count.write_text(str(number + 1))
median = seconds[number % len(seconds)]
job = json.loads(sys.stdin.readline())
say("ready", python="3.11.2", interpreter=sys.argv[0], tensorflow="{tensorflow}", keras="3.15.1",
    numpy="2.4.0", device="CPU", replicas=1, pinned=dict(program=1, xla=False,
    tf32=True, precision="float32", deterministic_ops=False, threads=2,
    environment=dict(CUDA_VISIBLE_DEVICES="-1")))
say("model", parameters=623290, workload_sha256="5f" * 32)
for number in range(1, job["epochs"] + 1):
    say("epoch", number=number, begun=0.0, ended=median, images=6000, loss=0.5)
say("phase", name="evaluation")
say("quality", value={quality}, untrained=0.1, memory_peak=None)
"""
_QUIET = (1.0, 1.004, 0.997, 1.001, 0.999, 1.003)
_NOISY = tuple(1 + share for share in (0.04, -0.05, 0.01, 0.06, -0.02, -0.04, 0.0, 0.05))


def _worker(folder: Path, seconds: tuple[float, ...], tensorflow: str = "2.21.0") -> Path:
    """An interpreter whose processes take so many seconds an epoch, one after another."""
    folder.mkdir(exist_ok=True)
    path = folder / "python"
    script = _WORKER.format(
        python=sys.executable, can_train=CAN_TRAIN, tensorflow=tensorflow, quality=_QUALITY
    )
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    path.with_suffix(".json").write_text(json.dumps(seconds), encoding="utf-8")
    path.with_suffix(".count").unlink(missing_ok=True)
    return path


def _longer(by: float) -> tuple[float, ...]:
    return tuple(seconds * (1 + by) for seconds in _QUIET)


@pytest.fixture
def pretending(command: Command, tmp_path: Path) -> Command:
    """The command with such a worker; what it compares with is told by each test."""
    return dataclasses.replace(command, worker_python=_worker(tmp_path / "a", _QUIET))


def _run(command: Command, *options: str) -> Ended:
    return command.run("-k", "mlp", "--device=cpu", *options)


def _slower(ended: Ended) -> list[str]:
    return [line for line in ended.output.splitlines() if line.startswith("SLOWER")]


def _records(command: Command) -> list[Record]:
    return [read(path) for path in sorted(command.results.glob("*.json"))]


def _environments(command: Command, other: Path, *options: str) -> program.Ended:
    """`python -m bench compare-envs` of the command's worker and another."""
    arguments = ("compare-envs", str(command.worker_python), str(other), "-k", "mlp")
    return python(
        *("bench", *arguments, "--profile=smoke", "--device=cpu"),
        *(f"--cache-dir={command.cache}", f"--results-dir={command.results}", *options),
        env=command.environment(),
    )


# ---- two environments


def test_an_environment_that_is_slower_ends_the_command_with_1_and_one_line(
    pretending: Command, tmp_path: Path
) -> None:
    other = _worker(tmp_path / "b", _longer(0.1), tensorflow="2.22.0")
    done = _environments(pretending, other, "--processes=8")
    assert done.returncode == 1, done.stderr
    heading, a, b, *rest = done.stdout.splitlines()
    assert heading == "SLOWER: 1 row"
    assert a.endswith(f"{pretending.worker_python} (TensorFlow 2.21.0, Keras 3.15.1)")
    assert b.endswith(f"{other} (TensorFlow 2.22.0, Keras 3.15.1)")
    (line,) = [line for line in rest if line.startswith("SLOWER")]
    assert line.startswith("SLOWER: mlp on cpu: B takes 1.100 times as long as A")
    (record,) = _records(pretending)
    order = [f"{result.side}{result.repeat}" for result in record.results]
    assert [set(order[at : at + 2]) for at in range(0, 16, 2)] == [
        {f"A{number}", f"B{number}"} for number in range(1, 9)
    ]
    finished = [result for result in record.results if isinstance(result, Finished)]
    used = {result.side: result.worker.interpreter for result in finished}
    assert used == {"A": str(pretending.worker_python), "B": str(other)}
    assert (record.settings.second_worker, record.settings.repeats) == (str(other), 8)


def test_a_workload_that_is_none_and_an_interpreter_that_is_none_are_one_line(
    pretending: Command, tmp_path: Path
) -> None:
    for options, told in (
        ((tmp_path / "none",), "none"),
        ((pretending.worker_python, "-k", "resnet"), "resnet: no such workload"),
    ):
        done = _environments(pretending, *map(str, options))  # type: ignore[arg-type]
        (line,) = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (2, "")
        assert line.startswith("bench: ")
        assert told in line


# ---- against a record


@dataclasses.dataclass(frozen=True)
class Against:
    """Runs of six processes, each but the first against the last: alike, slower, of another kind.

    files: pytest-benchmark's, of the first two.
    """

    first: Ended
    alike: Ended
    slower: Ended
    other: Ended
    records: list[Record]
    files: tuple[Path, Path]


@pytest.fixture(scope="module")
def against(module_command: Command, tmp_path_factory: pytest.TempPathFactory) -> Against:
    folder = tmp_path_factory.mktemp("against")
    command = dataclasses.replace(module_command, worker_python=_worker(folder / "a", _QUIET))
    files = (folder / "one.json", folder / "other.json")

    def run(*options: str) -> Ended:
        return _run(command, "--processes=6", *options)

    first = run(f"--benchmark-json={files[0]}")
    alike = run("--against=last", f"--benchmark-json={files[1]}")
    _worker(folder / "a", _longer(0.1))
    slower = run("--against=last")
    _worker(folder / "a", _longer(0.5), tensorflow="2.22.0")
    return Against(first, alike, slower, run("--against=last"), _records(command), files)


def test_against_the_last_record_a_run_that_is_alike_passes_and_a_slower_one_does_not(
    against: Against,
) -> None:
    assert against.first.status == 0
    assert against.alike.status == 0, against.alike.output
    assert re.search(r"mlp +cpu +stock .* SAME$", against.alike.output, re.MULTILINE)
    assert against.slower.status == 1, against.slower.output
    assert "B takes 1.100 times as long as A" in _slower(against.slower)[1]
    assert [record.settings.against for record in against.records] == [None, *["last"] * 3]


def test_what_is_not_clear_against_a_record_gets_more_repeats(
    pretending: Command, tmp_path: Path
) -> None:
    this = dataclasses.replace(pretending, worker_python=_worker(tmp_path / "c", _NOISY))
    assert _run(this, "--processes=8").status == 0
    (path,) = this.results.glob("*.json")
    (made,) = _records(this)
    many = [
        msgspec.structs.replace(result, repeat=8 * turn + result.repeat)
        for turn in range(12)
        for result in made.results
    ]
    path.write_bytes(encode(msgspec.structs.replace(made, results=tuple(many))))
    _worker(tmp_path / "c", tuple(1.05 * seconds for seconds in _NOISY))
    ended = _run(this, "--against=last")
    assert ended.status == 1, ended.output
    assert "13 passed" in ended.output  # the twelve, and what trains on
    assert _slower(ended)[0] == "SLOWER: 1 row"
    assert max(result.repeat for result in _records(this)[1].results) == 24


def test_another_tensorflow_is_not_compared_and_the_line_says_what_to_do(against: Against) -> None:
    assert against.other.status == 1, against.other.output
    told = "TensorFlow 2.21.0 → 2.22.0; train with both in one run: python -m bench"
    assert told in against.other.output


@pytest.mark.parametrize("named", ["last", "none.json"])
def test_with_nothing_to_compare_with_nothing_is_trained(pretending: Command, named: str) -> None:
    ended = _run(pretending, f"--against={named}")
    assert ended.status == 4
    (line,) = [line for line in ended.output.splitlines() if line.strip()]
    told = "cannot be read: No such file" if named == "none.json" else "there is no record in"
    assert line.startswith("ERROR: bench: ")
    assert told in line
    assert not pretending.results.exists()


# ---- other people's tools


def test_pytest_benchmark_still_compares_our_files(against: Against, tmp_path: Path) -> None:
    done = python("pytest_benchmark", "compare", *against.files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for number in range(1, 7):
        assert done.stdout.count(f"test_mnist[mlp-cpu-p{number}]") == 2
    rows = json.loads(against.files[0].read_text(encoding="utf-8"))["benchmarks"]
    assert [row["extra_info"]["repeat"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["stats"]["data"] for row in rows] == [[seconds] * 2 for seconds in _QUIET]


def test_what_killed_one_repeat_is_not_told_of_the_next(command: Command, tmp_path: Path) -> None:
    worker = _worker(tmp_path / "a", _QUIET)
    text = worker.read_text(encoding="utf-8")
    dying = (
        "if number == 0:\n    sys.exit('std::bad_alloc')\n"
        "if number == 1:\n    sys.exit('a cable came loose')\n"
    )
    worker.write_text(text.replace("job = ", f"{dying}job = "), encoding="utf-8")
    command = dataclasses.replace(command, worker_python=worker)
    ended = _run(command, "--processes=3")
    assert ended.status == 1
    first, second, third = _records(command)[0].results
    assert isinstance(first, Failed)
    assert isinstance(second, Failed)
    assert isinstance(third, Finished)
    assert "it ran out of memory" in first.reason
    assert "a cable came loose" in second.reason
    assert "memory" not in second.reason


def test_the_real_command_is_what_the_documentation_calls_it() -> None:
    done = python("pytest", "bench/", "--help")
    for option in ("--processes=N", "--against=FILE|last|best"):
        assert option in done.stdout
