"""Where msgspec is missing, Ansible can still list the filters, and who uses one is told so."""

from __future__ import annotations

import subprocess
import sys

from plugins.filter.imported import FilterModule

USE = """
import sys
sys.modules["msgspec"] = None
from plugins.filter import imported
print(*imported.FilterModule().filters())
from plugins.plugin_utils.typed import decode
decode({}, dict, "nothing")
"""


def test_without_msgspec_filters_are_listed_and_one_line_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.split() == list(FilterModule().filters())
    last = done.stderr.splitlines()[-1]
    assert last.endswith("msgspec is not installed where Ansible runs: pip install msgspec")
