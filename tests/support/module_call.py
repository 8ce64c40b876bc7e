"""One of the collection's modules, run by itself in a root."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.ansible_env import ansible_environment
from tests.support.playbook import in_root
from tests.support.program import python
from tests.support.roots import Root


def call(root: Root, name: str, arguments: dict[str, object], *more: str) -> dict[str, Any]:
    """Its result, with all that was printed in `printed`; a failure has its `msg`.

    more: further options of `ansible`.
    """
    inventory = root.path.with_suffix(".json")
    hosts = {"root": in_root(root.path, {})}
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    words = ("ansible", "adhoc", "root", "-i", inventory)
    module = ("-m", f"grindstone.grindstone.{name}", "-a", json.dumps(arguments))
    env = ansible_environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    done = python(*words, *module, *more, env=env)
    told = re.search(r"^root \| \w+!? => (\{.*\})", done.stdout, re.DOTALL | re.MULTILINE)
    assert told, done.stdout + done.stderr
    return {**json.loads(told.group(1)), "printed": done.stdout + done.stderr}
