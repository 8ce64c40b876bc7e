"""Playbooks against roots: one run for one host or for many."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.ansible_env import HERE, ansible_environment
from tests.support.module_servers import interpreter

Variables = Mapping[str, object]


@dataclass(frozen=True)
class PlayResult:
    """What a playbook's run came to for `host`.

    recap: `ok`, `changed`, `failed` … of the host; empty where the run was killed.
    """

    status: int
    output: str
    host: str = "root"

    @property
    def recap(self) -> dict[str, int]:
        """The counts of the host."""
        line = re.search(rf"^{re.escape(self.host)} +: (.*)$", self.output, re.MULTILINE)
        counts = re.findall(r"(\w+)=(\d+)", line.group(1)) if line else []
        return {name: int(count) for name, count in counts}

    @property
    def said(self) -> str:
        """What was printed of the host alone, its lines joined to one."""
        block = rf"^\w+: \[{re.escape(self.host)}\].*?(?=\n\n|\n\w+: \[)"
        told = " ".join(re.findall(block, self.output, re.MULTILINE | re.DOTALL))
        return " ".join(re.sub(r"['\"]?\n +- ['\"]?", "\n", told).split()).replace("''", "'")

    @property
    def failure(self) -> str:
        """The message of the last task that failed, on one line: an earlier one was rescued."""
        last = self.output.rpartition(f"\nfatal: [{self.host}]")[2]
        told = re.search(r"^    msg: (.*(?:\n {5,}.*)*)", last, re.MULTILINE)
        return " ".join(told[1].split()).strip("'").replace("''", "'") if told else ""


def in_root(path: Path, variables: Variables) -> Variables:
    """What makes a host of an inventory the root at `path`."""
    return {
        "ansible_connection": "community.general.chroot",
        "ansible_host": str(path),
        "ansible_python_interpreter": interpreter(),
        **variables,
    }


def start(
    hosts: Mapping[str, Variables],
    inventory: Path,
    playbook: str,
    *arguments: str,
    within: Sequence[str] = (),
    **env: str,
) -> subprocess.Popen[str]:
    """Starts a playbook against hosts, with an inventory of them.

    within: the command that starts it elsewhere, as in a network namespace.
    """
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    command = [*within, sys.executable, "-m", "ansible", "playbook", playbook, "-i", str(inventory)]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=HERE,
        env=ansible_environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that a test can kill all of it
    )


def finish(running: subprocess.Popen[str], host: str = "root") -> PlayResult:
    """Waits for the end of a playbook."""
    with running:
        output, _ = running.communicate()
    return PlayResult(running.returncode, output, host)


def play_all(
    hosts: Mapping[str, Variables], inventory: Path, playbook: str, *arguments: str
) -> dict[str, PlayResult]:
    """One run against many hosts to its end: what it came to for each."""
    done = finish(start(hosts, inventory, playbook, *arguments))
    return {name: PlayResult(done.status, done.output, name) for name in hosts}


def kill(running: subprocess.Popen[str]) -> None:
    """Ends a playbook with the workers that Ansible has put into sessions of their own."""
    started = psutil.Process(running.pid)
    for process in [started, *started.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    running.communicate()
