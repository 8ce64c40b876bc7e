"""The completion of a shell, as bash does it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.bench_verbs import Files, command
from tests.support.records import result


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "bench.bash"
    path.write_text(command("completion", "bash").stdout)
    return path


def _completed(script: Path, folder: Path, *words: str) -> set[str]:
    """What bash offers for the last word."""
    done = subprocess.run(
        [
            *("bash", "--norc", "-uc"),
            (
                'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _grindstone_bench; '
                'printf "%s\\n" "${COMPREPLY[@]-}"'
            ),
            *(str(script), *words),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("sh", {"show", "share"}),
        ("--v", {"--version"}),
        ("list --ver", {"--verdict"}),
        ("export last --m", {"--markdown"}),
        ("compare-envs a b --profile ", {"smoke", "quick", "full"}),
        ("completion ", {"bash", "zsh"}),
        ("show 2026", {"20261121T120000Z", "20261121T130000Z-box"}),
        ("show ", {"last", "best", "20261121T120000Z", "20261121T130000Z-box"}),
        ("compare last 20261121T12", {"20261121T120000Z"}),
        ("page --results-dir none 2026", set()),
        ("export last --out 2026", set()),
        ("run my", set()),
        ("run --prof", {"--profile"}),
        ("run --profile ", {"smoke", "quick", "full"}),
    ],
)
def test_verbs_options_values_and_runs(
    script: Path, tmp_path: Path, words: str, offered: set[str]
) -> None:
    write = Files(tmp_path / "results")
    write("20261121T120000Z", [result()])
    write("20261121T130000Z-box", [result()])
    given = ["python", "-m", "bench", *words.split(" ")]
    assert _completed(script, tmp_path, *given) == offered


def test_an_installed_command_is_completed_by_the_same_script(script: Path, tmp_path: Path) -> None:
    for program in ("grindstone", "/home/me/.local/bin/grindstone"):
        assert _completed(script, tmp_path, program, "sh") == {"show", "share"}
        assert _completed(script, tmp_path, program, "completion", "z") == {"zsh"}


def test_other_calls_of_python_are_completed_as_ever(script: Path, tmp_path: Path) -> None:
    for words in (["python", "sh"], ["python", "-m", "b"], ["python", "-m", "pip", "sh"]):
        assert _completed(script, tmp_path, *words) == set()


def test_the_name_of_a_file_is_never_run(script: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("x$(touch ran).json", "x`touch ran`.json", "x;touch ran.json", "xfine.json"):
        (folder / name).touch()
    assert _completed(script, tmp_path, "python", "-m", "bench", "show", "x") == {"xfine"}
    assert not (tmp_path / "ran").exists()


def test_zsh_takes_the_same_by_its_own_emulation(script: Path) -> None:
    first, rest = command("completion", "zsh").stdout.split("\n", 1)
    assert "bashcompinit" in first
    assert rest == script.read_text()
