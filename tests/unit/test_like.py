"""`--like RUN` takes what an earlier run was given, and nothing that is given anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from bench.errors import GrindstoneError
from bench.record import codec
from bench.runner.rerun_options import adopt
from tests.conftest import ROOT
from tests.support import bench_command, records
from tests.support.bench_command import Bench
from tests.support.program import to_the_end
from tests.support.run_settings import parsed

_HAD = ("--profile=smoke", "--data-dir=/my data", "--worker-python=/p", "--seed=7", "--inference")


def _adopted(folder: Path, *words: str, had: tuple[str, ...] = _HAD) -> argparse.Namespace:
    made = records.record(settings=records.settings(rerun_options=had))
    path = records.write(folder, "run.json", made)
    written = ["--like", str(path), *words]
    chosen = parsed(*written)
    adopt(chosen, written)
    return chosen


def test_what_the_run_was_given_is_taken_and_the_rest_is_as_it_is_by_itself(tmp_path: Path) -> None:
    chosen = _adopted(tmp_path)
    assert (chosen.profile, chosen.data_dir, chosen.seed) == ("smoke", "/my data", 7)
    assert (chosen.worker_python, chosen.inference) == (["/p"], True)
    assert (chosen.cache_dir, chosen.results_dir, chosen.synthetic) == (None, "results", False)


@pytest.mark.parametrize("words", [("--profile=quick", "--seed=1"), ("--profile", "quick")])
def test_what_is_given_here_counts_even_where_it_is_so_by_itself(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    chosen = _adopted(tmp_path, *words)
    assert chosen.profile == "quick"
    assert chosen.seed == (1 if "--seed=1" in words else 7)


@pytest.mark.parametrize(
    ("had", "told"),
    [(("--sharpness=3",), "--sharpness=3, which is no option"), (("--profile=huge",), "huge")],
)
def test_options_of_another_grindstone_are_refused(
    tmp_path: Path, had: tuple[str, ...], told: str
) -> None:
    with pytest.raises(GrindstoneError, match=told):
        _adopted(tmp_path, had=had)


def test_a_run_goes_on_with_the_options_of_another(tmp_path: Path) -> None:
    bench: Bench = bench_command.made(tmp_path)
    first = bench("-k", "mlp", "--seed=7")
    assert first.status == 0, first.output
    (before,) = first.results.glob("*.json")
    pytest_ = [sys.executable, "-m", "pytest", "bench/", "-p", "no:hypothesispytest"]
    cache = ["-p", "no_data", "-o", f"cache_dir={tmp_path / 'pytest-cache'}"]
    done = to_the_end(
        [*pytest_, *cache, "-k", "mlp", "--device=cpu", "--like", str(before)],
        cwd=ROOT,
        env=bench.environment({}),
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    (after,) = set(first.results.glob("*.json")) - {before}
    (had, has) = (codec.read(path).settings for path in (before, after))
    assert (has.seed, has.profile, has.rerun_options) == (7, "smoke", had.rerun_options)


def test_a_run_that_is_not_there_is_refused_in_a_line(tmp_path: Path) -> None:
    line = bench_command.made(tmp_path)("--like", "last").one_line
    assert "`last`: there is no run in" in line
