"""What the callback `grindstone.grindstone.summary` prints, line by line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from plugins.plugin_utils import progress
from tests.support.ansible_env import HERE, ansible_environment
from tests.support.program import to_the_end

CHANGE = """
    - name: Write a file
      ansible.builtin.copy: {content: "new\\n", dest: "{{ inventory_dir }}/file", mode: "0644"}
      loop: [1]
"""
NOTHING = """
    - name: Skip this
      ansible.builtin.command: "true"
      when: false
    - name: Look
      ansible.builtin.stat: {path: /}
"""
BLOCK = """
    - name: Show the plan
      ansible.builtin.debug:
        msg: ["Plan for {{ inventory_hostname }}: cpu", "  system  a 'b': c", ""]
    - name: Say what is left
      ansible.builtin.debug: {msg: "reboot when it suits"}
"""
FAILED = """
    - name: Write a file
      ansible.builtin.copy:
        content: "{{ inventory_hostname }}"
        dest: "{{ inventory_dir }}/{{ inventory_hostname }}"
        mode: "0644"
      when: inventory_hostname in ['a', 'z']
    - name: Go on without it
      ansible.builtin.command: cat /nowhere/to/be/found
      ignore_errors: true
      when: inventory_hostname == 'a'
    - name: Stop here
      ansible.builtin.fail: {msg: "found «{{ hostile }}»; expected x"}
      vars:
        hostile: !unsafe "{{ 7 * 7 }} [bold]\\e[31m\\u202e"
      when: inventory_hostname == 'b'
    - name: Run a command
      ansible.builtin.command: sh -c 'echo one; echo two; echo three >&2; exit 4'
      when: inventory_hostname == 'a'
    - name: Try each
      ansible.builtin.assert: {that: item < 2, fail_msg: "{{ item }} is too much"}
      loop: [1, 2]
      when: inventory_hostname == 'c'
"""


def play(
    folder: Path,
    tasks: str,
    *arguments: str,
    hosts: str = "a",
    status: int | None = None,
    **variables: str,
) -> str:
    """All that the playbook prints in a pipe, without how long it took and ssh's own words."""
    inventory = folder / "hosts"
    python = f"ansible_python_interpreter={sys.executable}"
    lines = [f"{host} ansible_connection=local {python}" for host in hosts if host != "z"]
    lines += ["z ansible_host=127.0.0.1 ansible_port=1"] if "z" in hosts else []
    inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
    playbook = folder / "play.yml"
    head = "- name: A play\n  hosts: all\n  gather_facts: false\n  tasks:"
    playbook.write_text(head + tasks, encoding="utf-8")
    variables.setdefault("ANSIBLE_STDOUT_CALLBACK", "grindstone.grindstone.summary")
    done = to_the_end(
        [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), playbook, *arguments],
        cwd=HERE,
        env=ansible_environment(ANSIBLE_FORKS="1", **variables),
        together=True,
    )
    assert status in (None, done.returncode), done.stdout
    printed = done.stdout.replace(str(folder), "FOLDER")
    return re.sub(r" \(\d+ (min|s).*?\)|(?<=\n  ).*(?=Connection refused)", "", printed)


def test_ansible_cfg_turns_it_on() -> None:
    settings = (HERE / "ansible.cfg").read_text(encoding="utf-8").splitlines()
    assert "stdout_callback = grindstone.grindstone.summary" in settings


def test_filters_and_connections_are_loaded_before_the_first_task() -> None:
    settings = (HERE / "ansible.cfg").read_text(encoding="utf-8").splitlines()
    assert "callbacks_enabled = grindstone.grindstone.preloaded" in settings
    code = f"""
import sys
from ansible.plugins.loader import callback_loader, init_plugin_loader
init_plugin_loader(["{HERE}/collections"])
callback_loader.get("grindstone.grindstone.preloaded").v2_playbook_on_start(None)
print(*sys.modules)
"""
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=HERE, text=True)
    for name in ("filter.core", "test.core", "filter.imported", "plugin_utils.gpu_stack.resolve"):
        assert f".plugins.{name}" in loaded
    for name in ("connection.local", "connection.ssh", "shell.sh"):
        assert f"ansible.plugins.{name}" in loaded


def test_what_changed_nothing_is_not_printed_and_what_debug_prints_is_plain(tmp_path: Path) -> None:
    assert play(tmp_path, NOTHING + BLOCK, hosts="ab") == (
        "Plan for a: cpu\n  system  a 'b': c\n\n"
        "Plan for b: cpu\n  system  a 'b': c\n\n"
        "[a] reboot when it suits\n[b] reboot when it suits\n"
        "a: ok, nothing changed\nb: ok, nothing changed\n"
    )


def test_a_change_is_one_line_and_check_mode_says_what_would_change(tmp_path: Path) -> None:
    assert play(tmp_path, CHANGE, "--check", "--diff") == (
        "would change: [a] Write a file\n"
        "--- before\n+++ after: FOLDER/file\n@@ -0,0 +1 @@\n+new\n\n"
        "a: ok, 1 would change\n"
    )


def test_a_failure_is_its_message_and_only_then_its_details(tmp_path: Path) -> None:
    assert play(tmp_path, FAILED, hosts="abcz") == (
        "changed: [a] Write a file\n"
        "UNREACHABLE: [z] Write a file\n  Connection refused\n"
        "failed, ignored: [a] Go on without it: non-zero return code\n"
        "FAILED: [b] Stop here\n"
        "  found «{{ 7 * 7 }} [bold]\\x1b[31m\\u202e»; expected x\n"
        "FAILED: [a] Run a command\n"
        "  non-zero return code\n"
        "  cmd:\n    sh\n    -c\n    echo one; echo two; echo three >&2; exit 4\n"
        "  rc: 4\n"
        "  stderr: three\n"
        "  stdout:\n    one\n    two\n"
        "  task: FOLDER/play.yml:20\n"
        "FAILED: [c] Try each\n"
        "  item: 2\n"
        "  2 is too much\n"
        "a: failed, 2 changed, 1 ignored\n"
        "b: failed, nothing changed\n"
        "c: failed, nothing changed\n"
        "z: unreachable, nothing changed\n"
    )


@pytest.mark.parametrize("arguments", [[], ["-v"]])
def test_an_inventory_without_machines_is_a_failure_of_one_line(
    tmp_path: Path, arguments: list[str]
) -> None:
    printed = play(tmp_path, NOTHING, *arguments, hosts="", status=1)
    assert "found no machine to work on; expected one in the inventory, or that " in printed


def test_verbose_output_is_ansibles_own(tmp_path: Path) -> None:
    own = play(tmp_path, NOTHING + BLOCK, "-v", ANSIBLE_STDOUT_CALLBACK="default")
    assert "PLAY RECAP" in own
    assert play(tmp_path, NOTHING + BLOCK, "-v") == own


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(12.4, "12 s"), (59.6, "1 min 0 s"), (72, "1 min 12 s"), (7500, "2 h 5 min")],
)
def test_a_time_is_said_in_words(seconds: float, said: str) -> None:
    assert progress.elapsed(seconds) == said


SHORT = "\r[gpu1 and 1 more] Install Tenso\x1b[K\r"


@pytest.mark.parametrize(
    ("terminal", "said"),
    [
        (True, SHORT + SHORT + "\r\x1b[K"),
        (False, "running: [gpu1 and 1 more] Install TensorFlow (40 s so far)\n"),
    ],
    ids=["terminal", "log"],
)
def test_a_long_task_is_one_line_in_a_terminal_and_named_once_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, said: str
) -> None:
    now = [100.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setenv("COLUMNS", "32")
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        monkeypatch.setattr(sys, "stdout", log)
        line = progress.Progress()
        line.terminal, line.task = terminal, "Install TensorFlow"
        for host in ("gpu1", "gpu2"):
            line.start(host)
        line.tell()  # nobody has answered yet: ssh may be asking for a password
        for host in ("gpu1", "gpu2"):
            assert line.end(host) == 0
            line.start(host)
        line.tell()  # too early
        now[0] += 40
        line.tell()
        line.tell()
        assert line.end("gpu1") == 40
        line.close()
    assert (tmp_path / "log").read_bytes().decode() == said
