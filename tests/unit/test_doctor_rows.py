"""What a row of a symptom has to say, and that the doctor knows nothing but its rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from plugins.plugin_utils.gpu_doctor.examine import examine
from plugins.plugin_utils.gpu_doctor.pasted import recognise
from plugins.plugin_utils.gpu_doctor.symptoms import parse
from plugins.plugin_utils.typed import InvalidDataError
from tests.unit.doctor.hosts import HEALTHY, MATRIX, SYMPTOMS, host

ROW = """\
doctor_symptoms:
- name: smoke
  rank: 1
  texts: [blue smoke]
  cause: It burns.
  fix: [{when: [wsl], run: windows}, {run: "sudo poweroff   # {process}"}]
  source: a fire
  examples: [blue smoke]
"""


def test_a_symptom_is_one_row() -> None:
    symptoms = parse({"fire.yml": ROW})
    (found,) = recognise("there is blue smoke", host(), symptoms)
    assert (found.symptom, found.fix) == ("smoke", "sudo poweroff   # ")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("cause:", "because:", "unknown field `because`"),
        ("rank: 1", "rank: one", "Expected `int`, got `str` - at `$.rank`"),
        ("  source: a fire\n", "", "missing required field `source`"),
        ("source: a fire", "source: ''", "source is empty"),
        ("texts: [blue smoke]", "sign: smell", "unknown sign smell"),
        ("texts: [blue smoke]", "when: [wsl]", "nothing shows it"),
        ("[blue smoke]\n  cause", "['(']\n  cause", "bad regular expression ("),
        ("[wsl]", "[on_fire]", "unknown situation on_fire"),
        ("{run:", "{when: [wsl], run:", "the last fix must have no when"),
        ("{process}", "{fireman}", "unknown word {fireman}"),
        ("It burns.", '"It } burns."', "bad braces in It } burns."),
    ],
)
def test_a_wrong_row_is_told_in_one_line_with_file_and_row(old: str, new: str, line: str) -> None:
    assert old in ROW
    with pytest.raises(InvalidDataError) as raised:
        parse({"fire.yml": ROW.replace(old, new, 1)})
    assert str(raised.value).startswith("fire.yml, smoke: ")
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("second", "line"),
    [
        (ROW, "b.yml, smoke: another row has this name"),
        (ROW.replace("smoke\n", "ash\n", 1), "b.yml, ash: rank 1 is that of smoke"),
        (
            ROW.replace("smoke\n  rank: 1", "ash\n  rank: 2\n  covers: [smoke]", 1),
            "ash: covers smoke, which is told first",
        ),
        (
            ROW.replace("smoke\n  rank: 1", "ash\n  rank: 2\n  covers: [rain]", 1),
            "ash: covers rain, which is no symptom",
        ),
    ],
)
def test_rows_that_contradict_each_other_are_told(second: str, line: str) -> None:
    with pytest.raises(InvalidDataError, match=f"^{re.escape(line)}$"):
        parse({"a.yml": ROW, "b.yml": second})


def test_what_the_rows_of_the_matrix_say_of_new_gpus_is_all_that_the_doctor_knows() -> None:
    """An open-only generation behind the newest, and a TensorFlow that brings a newer floor."""
    newest = MATRIX["generations"][-1]
    rubin = {**newest, "name": "Rubin", "capability": "13.0", "modules": ["open"]}
    stack = next(row for row in MATRIX["stacks"] if "gpu" in row)
    support = {**stack["gpu"], "capabilities": ["8.9", "12.1"]}
    later = {**stack, "name": "later", "tensorflow": "9.9.0", "gpu": support}
    matrix = {
        **MATRIX,
        "stacks": [later, *MATRIX["stacks"]],
        "generations": [*MATRIX["generations"], rubin],
    }
    gpu = {**HEALTHY["found"]["gpus"][0], "generation": "Rubin", "compute_capability": "13.0"}

    def told(*states: str, **changes: Any) -> dict[str, Any]:
        findings = examine(host(*states, matrix=matrix, **changes), SYMPTOMS)
        return {finding.symptom: finding for finding in findings}

    here: dict[str, Any] = {"found.gpus": [gpu]}
    assert examine(host(**here), SYMPTOMS) == []  # without its row
    wrong = told(**here)["wrong kernel module"]
    assert wrong.evidence.endswith("the proprietary module; only the open one drives it")
    assert "Blackwell and Rubin" in wrong.cause
    opened = {**here, "found.driver.loaded_flavour": "open", "verify": {}}
    assert "capability 12.1" in told(**opened)["GPU newer than the wheels"].cause
    old = told(
        "untested",
        **{
            "found.environment.tensorflow": "9.9.1",
            "found.gpus": [{**gpu, "generation": "Turing", "compute_capability": "7.5"}],
        },
    )["GPU older than the wheel"]
    assert old.evidence.endswith("TensorFlow 9.9.1 needs 8.9")
    assert "8.9 for TensorFlow 9.9.0" in old.cause
    assert old.fix == "ansible-playbook site.yml -e plan_tensorflow=2.21.0"


def test_python_names_no_release_no_generation_and_no_container() -> None:
    generations = [row["name"] for row in MATRIX["generations"]]
    pattern = re.compile(rf"\b({'|'.join(generations)})\b|\b2\.\d\d\b|nvcr\.io")
    code = Path(__file__).parents[2] / "plugins/plugin_utils/gpu_doctor"
    for path in code.glob("*.py"):
        assert not pattern.search(path.read_text(encoding="utf-8")), path
