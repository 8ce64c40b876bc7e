"""What is installed beside each other: no file is two distributions', as cpuinfo's once were."""

from __future__ import annotations

import csv
import sysconfig
from collections import defaultdict
from pathlib import Path

INSTALLED = sorted(Path(sysconfig.get_path("purelib")).glob("*.dist-info/RECORD"))


def test_no_two_distributions_own_one_file() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for record in INSTALLED:
        with record.open(encoding="utf-8", newline="") as lines:
            for name, *_ in csv.reader(lines):
                owners[name].add(record.parent.stem)
    assert len(INSTALLED) > 20
    assert len(owners) > 1000
    shared = {name: sorted(who) for name, who in owners.items() if len(who) > 1}
    assert {name: who for name, who in shared.items() if "__pycache__" not in name} == {}
