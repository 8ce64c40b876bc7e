"""What is mistyped behind `./run site`, `plan` and `doctor` is one line, not Ansible's usage."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.plugin_utils import playbook_words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--chekc"], "unrecognized arguments: --chekc"),
        (["--hsot", "debian-12"], "unrecognized arguments: --hsot debian-12"),
        (["-e"], "argument -e/--extra-vars: expected one argument"),
        (["chekc"], "found «chekc»; expected options alone, or another playbook's file"),
    ],
)
def test_what_is_mistyped_is_named_in_one_line(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        playbook_words.main(["plan", str(tmp_path), *words])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.err == f"run plan: {told}; ./run plan --help lists the options\n"
    assert said.out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--check", "--diff", "-e", "plan_driver=skip", "--limit", "gpu3", "-vv"],
        ["--tags=verify", "-K", "-i", "hosts.ini", "--chec"],
        ["--bogus", "--help"],
        ["more.yml"],
    ],
)
def test_what_ansible_takes_is_passed_on(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "more.yml").touch()
    assert playbook_words.main(["site", str(tmp_path), *words]) == 0
