"""What is advised is called as Grindstone was called."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from bench import invocation
from bench.errors import GrindstoneError
from bench.invocation import ROOT, called
from bench.runner import doctor
from tests.support.program import script


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The folder of an environment's programs."""
    for name in ("python", "pytest", "grindstone"):
        path = tmp_path / "an env/bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o755)
    return tmp_path / "an env/bin"


@pytest.mark.parametrize(
    ("typed", "told"),
    [("./run", "./run bench"), ("/my tree/run", "'/my tree/run' bench"), ("run", "sh run bench")],
)
def test_by_run_it_is_run(environment: Path, typed: str, told: str) -> None:
    variables = {"GRINDSTONE_RUN": typed, "PATH": str(environment)}
    assert called(variables, environment / "python", ROOT) == (told, told)


def test_in_an_active_environment_it_is_the_programs(environment: Path, tmp_path: Path) -> None:
    active = {"PATH": str(environment)}
    assert called(active, environment / "python", ROOT) == ("python -m bench", "pytest bench/")
    elsewhere = called(active, environment / "python", tmp_path)
    assert elsewhere == (f"python {ROOT}/bench", f"pytest {ROOT}/bench/")


def test_without_one_it_is_the_python_that_was_named(environment: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pytest").touch(mode=0o755)  # of another environment
    for variables in ({"PATH": str(other)}, {"PATH": "/nonexistent"}):
        told = called(variables, environment / "python", ROOT)
        python = f"'{environment}/python'"
        assert told == (f"{python} -m bench", f"{python} -m pytest bench/")
    near = called({"PATH": str(other)}, environment / "python", tmp_path)
    assert near[1] == f"'an env/bin/python' -m pytest {ROOT}/bench/"


def test_installed_it_is_grindstone(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocation, "INSTALLED", True)
    python = environment / "python"
    active = called({"PATH": str(environment)}, python, ROOT)
    assert active == ("grindstone", "grindstone run")
    named = called({"PATH": "/nonexistent"}, python, ROOT)
    assert named == (f"'{environment}/grindstone'", f"'{environment}/grindstone' run")
    (environment / "grindstone").unlink()  # it is elsewhere, as pip --user has it
    assert called({"PATH": "/nonexistent"}, python, ROOT) == ("grindstone", "grindstone run")


def test_the_doctor_is_called_as_a_verb_with_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "run", '#!/bin/sh\nprintf "%s|" "$@"\nexit 3\n')
    words = ["--explain", "a log", "-h"]
    code = "import pathlib, sys; from bench import __main__; from bench.runner import doctor; "
    code += f"doctor.ROOT = pathlib.Path({str(tmp_path)!r}); "
    code += f"sys.exit(__main__.main({['doctor', *words]!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, "doctor|--explain|a log|-h|"), done.stderr
    monkeypatch.setattr(doctor, "INSTALLED", True)
    with pytest.raises(GrindstoneError, match="in Grindstone's checkout"):
        doctor.run(argparse.Namespace(words=[]))
