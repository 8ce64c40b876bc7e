"""`./run` where something is in its way: another run, a lock, a signal, a misleading variable."""

from __future__ import annotations

import fcntl
import signal
from pathlib import Path

import pytest

from tests.support.run_copy import LIMIT, PYTHON, Run, Start, ended, stub


def test_a_python_that_does_not_start_is_not_called_too_old(run: Run, tools: Path) -> None:
    stub(tools / "python3", '[ "$1" = -V ] && echo Python 3.11.2 || ! echo "no encodings" >&2')
    done = run("bench")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "run: found Python 3.11.2 that does not start (no encodings); Grindstone needs Python 3.10"
    )


@pytest.mark.usefixtures("uv")
def test_variables_that_lead_python_or_pip_elsewhere_are_not_passed_on(
    run: Run, copy: Path
) -> None:
    names = "[name for name in os.environ if name.startswith(('PYTHON', 'PIP_'))]"
    (copy / "pytest.py").write_text(f"import os; print({names})\n", encoding="utf-8")
    misled = {"PYTHONHOME": "/nowhere", "PYTHONSAFEPATH": "1", "PIP_TARGET": "/x", "PIP_USER": "1"}
    env = {**misled, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    done = run("bench", env=env, cwd=copy)
    assert done.stdout == "['PIP_INDEX_URL']\n", done.stderr


@pytest.mark.usefixtures("uv")
def test_an_environment_whose_packages_cannot_be_imported_is_not_taken_for_made(
    run: Run, copy: Path
) -> None:
    (copy / "numpy.py").write_text("import not_here\n", encoding="utf-8")
    done = run("bench")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "\nrun: .venv does not work (ModuleNotFoundError: No module named 'not_here'): does a "
        "pip.conf or uv.toml lead packages elsewhere?\n"
    )
    assert not (copy / ".venv/.made-of").exists()


@pytest.mark.usefixtures("uv")
def test_an_environment_that_has_lost_a_package_is_made_anew(run: Run, copy: Path) -> None:
    run("bench")
    (copy / "numpy.py").unlink()
    assert run("bench").stderr.startswith("Installing requirements/run.txt into .venv")


@pytest.mark.usefixtures("uv")
def test_a_run_waits_for_the_other_that_makes_the_environment(start: Start, copy: Path) -> None:
    with (copy / "requirements/run.txt").open() as other, start("bench") as running:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert running.stderr is not None
        first = running.stderr.readline()
        fcntl.flock(other, fcntl.LOCK_UN)
        said = running.communicate(timeout=LIMIT)[1]
    assert first == "Waiting for another ./run, which makes .venv …\n"
    assert said.startswith("Installing requirements/run.txt into .venv with uv …\n")


@pytest.mark.usefixtures("uv")
def test_a_signal_ends_an_installer_with_all_that_it_has_started(start: Start, tools: Path) -> None:
    stub(tools / "uv", "[ $1 = venv ] || exit 0; sleep 1000 & echo here; wait")
    assert ended(start("bench")) == 143


@pytest.mark.usefixtures("uv")
@pytest.mark.parametrize("arguments", [[], ["site"], ["bench"]])
def test_a_signal_ends_what_it_has_called(start: Start, copy: Path, arguments: list[str]) -> None:
    called = "import time; print('here', flush=True); time.sleep(1000)\n"
    for name in ("ansible/__main__.py", "pytest.py"):
        (copy / name).write_text(f"if __name__ == '__main__':\n    {called}", encoding="utf-8")
    assert ended(start(*arguments)) in (143, -signal.SIGTERM)


class TestAptIsBusy:
    """apt-get finds a lock held, as after a first boot."""

    @pytest.fixture(autouse=True)
    def fresh(self, tools: Path, copy: Path, makes: str) -> None:
        there = f'[ -e "{copy}/there" ] || exit 1'
        cases = f"*ensurepip*) {there};; *'-m venv'*) {makes}; exit;;"
        stub(tools / "python3", f'case "$*" in {cases} esac\nexec "{PYTHON}" "$@"')
        (copy / "pip.py").touch()
        for name, script in (("id", "echo 0"), ("sleep", f'echo >>"{copy}/waited"')):
            (tools / name).unlink()
            stub(tools / name, script)

    @pytest.mark.parametrize(
        "held",
        [
            "E: Could not get lock /var/lib/dpkg/lock. It is held by process 42 (packagekitd)",
            "E: Unable to lock directory /var/lib/apt/lists/",
            "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend)",
        ],
    )
    def test_it_is_waited_for(self, run: Run, tools: Path, copy: Path, held: str) -> None:
        free = f'[ -s "{copy}/waited" ] && {{ : >"{copy}/there"; exit; }}'
        (copy / "waited").touch()
        stub(tools / "apt-get", f"{free}\necho '{held}' >&2; exit 100")
        done = run("bench", cwd=copy)
        assert done.returncode == 0, done.stderr
        assert f"\nWaiting up to 5 minutes: {held}\n" in done.stderr

    def test_who_holds_it_is_named_in_the_end(self, run: Run, tools: Path) -> None:
        held = "E: Could not get lock /var/lib/dpkg/lock. It is held by process 42 (apt)"
        stub(tools / "apt-get", f"echo '{held}' >&2; exit 100")
        done = run("bench")
        assert done.returncode == 1
        said = "run: python3-venv could not be installed: the reason is above"
        assert done.stderr.splitlines()[-2:] == [held, said]
