"""What people paste into forums and issues, with what a right answer names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from plugins.plugin_utils import row_files
from plugins.plugin_utils.gpu_doctor import rows
from plugins.plugin_utils.gpu_doctor.pasted import host_of, recognise

CASES = [
    case
    for name in ("pasted.yml", "reports.yml", "runtime.yml", "systems.yml")
    for case in row_files.parsed((Path(__file__).parent / "doctor" / name).read_text("utf-8"))
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:60])
def test_a_pasted_text_is_told_right_and_with_a_fix_that_helps(case: dict[str, Any]) -> None:
    host = host_of(case["text"], rows.knowledge(), case.get("system", ""), case.get("inside", ""))
    found = recognise(case["text"], host, rows.symptoms(), rows.languages())
    assert [each.symptom for each in found] == ([] if case["is"] == "nothing" else [case["is"]])
    assert all(re.search(case["fix"], each.fix) for each in found), found
