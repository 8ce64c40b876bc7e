"""One of the collection's modules, run by itself in a root."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from tests.support.ansible_env import HERE, ansible_environment
from tests.support.playbook import in_root
from tests.support.roots import Root


def call(root: Root, name: str, arguments: dict[str, object], *more: str) -> dict[str, Any]:
    """Its result, with all that was printed in `printed`; a failure has its `msg`.

    more: further options of `ansible`.
    """
    inventory = root.path.with_suffix(".json")
    hosts = {"root": in_root(root.path, {})}
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "adhoc", "root", "-i", str(inventory)]
    command += ["-m", f"grindstone.grindstone.{name}", "-a", json.dumps(arguments), *more]
    done = subprocess.run(
        command,
        cwd=HERE,
        env=ansible_environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.search(r"^root \| \w+!? => (\{.*\})", done.stdout, re.DOTALL | re.MULTILINE)
    assert told, done.stdout + done.stderr
    return {**json.loads(told.group(1)), "printed": done.stdout + done.stderr}
