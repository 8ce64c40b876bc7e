"""`./run` itself, in copies of this checkout."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.run_copy import SAYS_HOW, Run, stub

NOBODY = 65534


def test_help_is_short_and_makes_nothing(run: Run, copy: Path) -> None:
    done = run("--help")
    assert done.returncode == 0
    assert 8 <= len(done.stdout.splitlines()) <= 17
    assert max(map(len, done.stdout.splitlines())) <= 80
    for command in ("site", "bench", "test", "docs", "lock"):
        assert f"./run {command}" in done.stdout
    assert not (copy / ".venv").exists()


def test_a_command_that_is_not_there_is_named(run: Run) -> None:
    done = run("polish")
    assert done.returncode != 0
    line = "run: there is no command «polish»; ./run --help lists those that there are\n"
    assert done.stderr == line


@pytest.mark.usefixtures("uv")
def test_arguments_are_passed_on_and_the_command_is_printed(run: Run, copy: Path) -> None:
    done = run("bench", "-k", "mnist and mlp", cwd=copy)
    assert done.returncode == 0, done.stderr
    assert "called:|bench/|-k|mnist and mlp|None\n" in done.stdout
    assert "+ .venv/bin/python -m pytest bench/ -k 'mnist and mlp'\n" in done.stderr


@pytest.mark.usefixtures("uv")
def test_the_benchmark_is_run_where_the_person_stands(run: Run, copy: Path, tmp_path: Path) -> None:
    says = "import os; print(os.getcwd())\n" + SAYS_HOW
    (copy / "pytest.py").write_text(says, encoding="utf-8")
    done = run("bench", "--data-dir", "mine")
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}\ncalled:|{copy}/bench/|--data-dir|mine|None\n" in done.stdout


@pytest.mark.usefixtures("uv")
def test_what_a_run_left_is_shown_by_a_verb_and_advice_is_to_call_run(
    run: Run, copy: Path, tmp_path: Path
) -> None:
    told = "import os; print(os.getcwd(), os.environ.get('GRINDSTONE_RUN'))\n"
    (copy / "bench").mkdir()
    (copy / "bench/__main__.py").write_text(told + SAYS_HOW, encoding="utf-8")
    (copy / "pytest.py").write_text(told + SAYS_HOW, encoding="utf-8")
    done = run("bench", "show", "last", cwd=copy)
    assert done.stdout.startswith(f"{copy} {copy}/run\ncalled:|show|last|"), done.stderr
    assert done.stderr.endswith("+ .venv/bin/python -m bench show last\n")
    for of_bench in ("list", "--help", "-h", "--version"):
        told = run("bench", of_bench).stdout
        assert told.startswith(f"{tmp_path} {copy}/run\ncalled:|{of_bench}|")
    for of_pytest in ("-v", "bench/test_mnist.py", "test_mnist.py"):
        assert f"called:|bench/|{of_pytest}|" in run("bench", of_pytest, cwd=copy).stdout


@pytest.mark.usefixtures("uv")
def test_the_doctor_explains_a_file_of_the_caller_s_folder_without_ansible(
    run: Run, copy: Path, tmp_path: Path
) -> None:
    folder = copy / "plugins/plugin_utils/gpu_doctor"
    folder.mkdir()
    (folder / "__main__.py").write_text(SAYS_HOW + "sys.exit(3)\n", encoding="utf-8")
    done = run("doctor", "--explain", "my log", "--system", "arch")
    assert done.returncode == 3, done.stderr
    assert f"called:|--explain|{tmp_path}/my log|--system|arch|None\n" in done.stdout
    assert run("doctor", "my log").stdout == f"called:|--explain|{tmp_path}/my log|None\n"
    for words in (["--explain", "-"], ["-"]):
        assert run("doctor", *words).stdout == "called:|--explain|-|None\n"


@pytest.mark.parametrize("command", ["docs", "collection", "lock"])
def test_a_command_without_options_makes_nothing_of_them(
    run: Run, copy: Path, command: str
) -> None:
    before = {*copy.iterdir()}
    asked, wrong = run(command, "--help"), run(command, "--nope")
    assert (asked.returncode, wrong.returncode) == (0, 1)
    assert asked.stdout.startswith("Usage: ./run [command]")
    assert wrong.stderr == f"run: {command} takes no --nope; ./run --help tells what it takes\n"
    assert {*copy.iterdir()} == before


@pytest.mark.usefixtures("uv")
@pytest.mark.parametrize("verb", ["site", "plan", "doctor"])
def test_words_that_ansible_does_not_take_never_reach_it(run: Run, copy: Path, verb: str) -> None:
    refuses = "import sys; sys.exit(f'not {sys.argv[1:]}')\n"
    (copy / "plugins/plugin_utils/playbook_words.py").write_text(refuses, encoding="utf-8")
    done = run(verb, "--chekc", "one two", cwd=copy)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"not {[verb, str(copy), '--chekc', 'one two']}\n")
    assert "playbook site.yml" not in done.stderr


@pytest.mark.usefixtures("uv")
def test_a_bundle_is_the_caller_s_file(run: Run, copy: Path, tmp_path: Path) -> None:
    folder = copy / "plugins/plugin_utils/elsewhere"
    folder.mkdir()
    (folder / "__main__.py").write_text(SAYS_HOW, encoding="utf-8")
    assert run("plan", "--bundle", "it").stdout == f"called:|--bundle|{tmp_path}/it|None\n"
    assert run("plan", "--bundle=it").stdout == f"called:|--bundle={tmp_path}/it|None\n"


@pytest.mark.usefixtures("uv")
def test_without_a_command_it_provisions_and_then_benchmarks(run: Run, copy: Path) -> None:
    called = [line.split("|") for line in run().stdout.splitlines() if line.startswith("called:")]
    assert [words[1:-1] for words in called] == [
        ["playbook", f"{copy}/site.yml"],
        [f"{copy}/bench/"],
    ]


@pytest.mark.usefixtures("uv")
@pytest.mark.parametrize(
    ("arguments", "folders"), [([], "tests/lint|tests/unit"), (["--all"], "tests/")]
)
def test_the_quick_tests_are_run_unless_all_are_asked_for(
    run: Run, copy: Path, arguments: list[str], folders: str
) -> None:
    (copy / "requirements/test.txt").touch()
    done = run("test", *arguments, "-k", "words")
    assert f"|{folders}|-k|words|" in done.stdout, done.stderr


@pytest.mark.usefixtures("uv")
def test_a_playbook_that_fails_stops_it_with_its_status(run: Run, copy: Path) -> None:
    (copy / "ansible/__main__.py").write_text("raise SystemExit(2)\n", encoding="utf-8")
    done = run()
    assert done.returncode == 2
    assert "called:" not in done.stdout


@pytest.mark.usefixtures("uv")
def test_the_second_time_makes_nothing_again(run: Run, copy: Path) -> None:
    run("bench", cwd=copy)
    again = run("bench", cwd=copy)
    assert again.stderr.splitlines() == ["+ .venv/bin/python -m pytest bench/"]


@pytest.mark.usefixtures("uv")
@pytest.mark.parametrize("remains", [[], ["bin", "lib"]])
def test_an_environment_that_was_interrupted_is_made_anew(
    run: Run, copy: Path, remains: list[str]
) -> None:
    (copy / ".venv").mkdir()
    for name in remains:
        (copy / ".venv" / name).mkdir()
    done = run("bench")
    assert done.returncode == 0, done.stderr
    assert (copy / ".venv/bin/python").exists()


@pytest.mark.usefixtures("uv")
def test_a_changed_lock_makes_the_environment_anew(run: Run, copy: Path) -> None:
    run("bench")
    (copy / "requirements/run.txt").write_text("# another\n", encoding="utf-8")
    assert run("bench").stderr.startswith("Installing requirements/run.txt into .venv")


@pytest.mark.usefixtures("python")
def test_an_environment_that_is_made_anew_is_not_made_by_its_own_uv(
    run: Run, copy: Path, tools: Path
) -> None:
    (copy / ".venv/bin").mkdir(parents=True)
    stub(copy / ".venv/bin/uv", "exit 0")
    stub(copy / ".venv/bin/python3", f'exec "{tools}/python3" "$@"')
    done = run("bench", env={"PATH": f"{copy}/.venv/bin:{tools}"}, cwd=copy)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Installing requirements/run.txt into .venv with pip …")


@pytest.mark.usefixtures("uv")
def test_uv_is_used_where_it_is_and_is_quiet(run: Run, copy: Path) -> None:
    done = run("bench", cwd=copy)
    assert done.stderr == (
        "Installing requirements/run.txt into .venv with uv …\n"
        "+ .venv/bin/python -m pytest bench/\n"
    )


@pytest.mark.usefixtures("python")
def test_venv_and_pip_do_it_where_no_uv_starts(run: Run, copy: Path, tools: Path) -> None:
    stub(tools / "uv", "exit 127")
    done = run("bench", cwd=copy)
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stderr.splitlines()
    assert first == "Installing requirements/run.txt into .venv with pip …"
    assert last == "+ .venv/bin/python -m pytest bench/"


@pytest.mark.usefixtures("python")
def test_what_pip_says_when_it_fails_is_shown_whole(run: Run, copy: Path) -> None:
    (copy / "requirements/run.txt").write_text("six==1.17.0\n", encoding="utf-8")
    done = run("bench")
    assert done.returncode == 1
    assert done.stderr.startswith("Installing requirements/run.txt into .venv with pip …\n")
    assert "Hashes are required in --require-hashes mode" in done.stderr
    assert done.stderr.endswith("\nrun: .venv could not be made: the reason is above\n")
    assert not (copy / ".venv/.made-of").exists()


def test_a_python_that_is_too_old_is_named_in_one_line(run: Run, tools: Path) -> None:
    stub(tools / "python3", 'case "$1$2" in -V) echo Python 3.8.10;; -c) ;; *) exit 1;; esac')
    done = run("bench")
    assert done.returncode == 1
    assert done.stderr == (
        "run: found Python 3.8.10; Grindstone needs Python 3.10 or newer: install one, then run "
        "this again\n"
    )


def test_no_python_at_all_is_said_in_one_line(run: Run) -> None:
    assert run("bench").stderr.startswith("run: found no python3; Grindstone needs Python 3.10")


@pytest.mark.usefixtures("uv")
@pytest.mark.parametrize(
    ("locale", "passed"),
    [({}, "C.UTF-8"), ({"LC_ALL": "POSIX"}, "C.UTF-8"), ({"LANG": "C.UTF-8"}, "None")],
)
def test_ansible_gets_a_locale_that_it_accepts(
    run: Run, copy: Path, locale: dict[str, str], passed: str
) -> None:
    done = run("site", "-i", "hosts", env=locale, cwd=copy)
    assert f"called:|playbook|site.yml|-i|hosts|{passed}\n" in done.stdout


@pytest.mark.usefixtures("uv")
@pytest.mark.parametrize(("verb", "file"), [("site", "site.yml"), ("plan", "playbooks/plan.yml")])
def test_a_playbook_is_run_where_the_person_stands_too(
    run: Run, copy: Path, tmp_path: Path, verb: str, file: str
) -> None:
    says = "import os; print(os.getcwd(), os.environ['ANSIBLE_CONFIG'])\n" + SAYS_HOW
    (copy / "ansible/__main__.py").write_text(says, encoding="utf-8")
    (tmp_path / "ansible.py").write_text("raise SystemExit('another Ansible')", encoding="utf-8")
    done = run(verb, "-i", "hosts", env={"LC_ALL": "C.UTF-8"})
    where = f"{tmp_path} {copy}/ansible.cfg"
    called = f"called:|playbook|{copy}/{file}|-i|hosts|C.UTF-8"
    assert done.stdout.endswith(f"{where}\n{called}\n"), done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user, so it needs root")
class TestAnOrdinaryUser:
    """`run` as nobody, in a copy that nobody owns."""

    @pytest.fixture
    def run_as_nobody(self, run: Run, copy: Path, tools: Path) -> Callable[..., str]:
        """What `run` says; its environment is there, and is a stub that says how it is called."""
        version = "echo Python 3.11.2"
        stub(tools / "python3", version)
        (copy / ".venv/bin").mkdir(parents=True)
        stub(copy / ".venv/bin/python", f'case $1 in -V) {version};; *) echo "called: $*";; esac')
        lock = hashlib.sha256((copy / "requirements/run.txt").read_bytes()).hexdigest()
        stamp = f"{lock}  - Python 3.11.2"
        (copy / ".venv/.made-of").write_text(stamp, encoding="utf-8")
        for folder in (copy, *copy.parents):
            if folder.is_relative_to(tempfile.gettempdir()) and folder.stat().st_uid == 0:
                folder.chmod(folder.stat().st_mode | 0o011)

        def call(*arguments: str) -> str:
            done = run(*arguments, user=NOBODY)
            return done.stdout + done.stderr

        return call

    def test_without_sudo_is_told_to_be_root(self, run_as_nobody: Callable[..., str]) -> None:
        assert run_as_nobody("site").endswith(
            "run: provisioning needs root, and sudo is not installed: run this as root\n"
        )

    def test_whose_sudo_asks_is_told_what_to_do_where_no_terminal_is(
        self, run_as_nobody: Callable[..., str], tools: Path
    ) -> None:
        stub(tools / "sudo", "exit 1")
        assert run_as_nobody("site").endswith(
            "run: sudo asks for a password and there is no terminal: run this as root or in a "
            "terminal\n"
        )

    def test_whose_sudo_does_not_ask_goes_straight_on(
        self, run_as_nobody: Callable[..., str], tools: Path
    ) -> None:
        stub(tools / "sudo", "exit 0")
        assert "/site.yml --check\n" in run_as_nobody("site", "--check")

    def test_who_took_care_of_the_password_is_not_asked(
        self, run_as_nobody: Callable[..., str]
    ) -> None:
        assert "/site.yml -K\n" in run_as_nobody("site", "-K")
