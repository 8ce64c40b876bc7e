"""A password in the address of a proxy or an index is shown at no verbosity of Ansible's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from plugins.module_utils.passwords import hide_passwords
from tests.conftest import ROOT
from tests.support.program import playbook

PROXY = "http://me:open%20sesame@proxy.example.org:3128"


class Module:
    def __init__(self, **params: str | None) -> None:
        self.params = params
        self.no_log_values: set[str] = set()


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        (PROXY, {"open%20sesame", "open sesame"}),
        ("http://proxy.example.org:3128", set()),
        ("http://me@proxy.example.org", set()),
        ("http://[bad", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_what_is_hidden_is_the_password_alone(address: str | None, hidden: set[str]) -> None:
    module = Module(proxy=address)
    hide_passwords(module, "proxy")
    assert module.no_log_values == hidden


MODULES = {
    "host_ledger": {"name": "wrong name", "state": "open", "proxy": "{{ address }}"},
    "locked_environment": {"path": "/no/there", "requirements": "", "index": "{{ address }}"},
}


def test_a_module_shows_the_address_without_it(tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    tasks = [
        {"name": name, f"grindstone.grindstone.{name}": arguments, "ignore_errors": True}
        for name, arguments in MODULES.items()
    ]
    known = {"address": PROXY, "ansible_python_interpreter": sys.executable}
    told = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": known}
    play.write_text(yaml.safe_dump([{**told, "tasks": tasks}]), encoding="utf-8")
    done = playbook("-i", "localhost,", "--check", "-vvvv", play)
    assert "sesame" not in done.stdout + done.stderr
    for name in MODULES:
        shown = done.stdout.partition(f"TASK [{name}]")[2].partition("TASK [")[0]
        assert "me:********@proxy.example.org:3128" in shown, done.stdout


def test_a_download_through_such_a_proxy_is_not_logged() -> None:
    path = ROOT / "roles/nvidia_repository/tasks/key.yml"
    (block,) = (
        each for each in yaml.safe_load(path.read_text(encoding="utf-8")) if "block" in each
    )
    through = [task for task in block["block"] if "environment" in task]
    assert [task["no_log"] for task in through] == ["{{ '@' in nvidia_repository_proxy }}"]
