"""A matrix with a fault is refused in one line that names the file and the row."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from plugins.plugin_utils import row_files
from plugins.plugin_utils.gpu_stack.load import load
from plugins.plugin_utils.gpu_stack.playbook import gpu_stack
from plugins.plugin_utils.typed import InvalidDataError
from tests.unit.plans import recorded

Rows = dict[str, Any]
FOLDER = "roles/plan/vars/main"


def changed(rows_of: str, number: int, **values: Any) -> Callable[[Rows], None]:
    """A row with other values, without those that are None."""

    def change(rows: Rows) -> None:
        row = {**rows[rows_of][number], **values}
        rows[rows_of][number] = {key: value for key, value in row.items() if value is not None}

    return change


def support(**values: Any) -> Callable[[Rows], None]:
    """The first stack with another `gpu`."""

    def change(rows: Rows) -> None:
        rows["stacks"][0]["gpu"] = {**rows["stacks"][0]["gpu"], **values}

    return change


def line(**values: Any) -> Callable[[Rows], None]:
    """The first system with another line of kernels."""

    def change(rows: Rows) -> None:
        first = rows["systems"][0]["kernels"][0]
        rows["systems"][0]["kernels"] = [{**first, **values}]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("stacks", 1, drivr="1"), r"stacks.yml: plan_stacks, row 2 \(pascal\): .*`drivr`"),
        (changed("stacks", 1, source=None), r"stacks.yml: .*\(pascal\): .*missing .*`source`"),
        (changed("systems", 0, source=""), r"systems.yml: .*row 1 \(Debian\): .*source"),
        (changed("stacks", 0, lock="none.txt"), r"\(turing\): there is no lock file none.txt"),
        (changed("stacks", 1, name="turing"), "row 2 .*another stack of this name"),
        (changed("stacks", 4, tensorflow="2.22.0"), r"\(maxwell\): .*the newest comes first"),
        (
            support(capabilities=["0.1", "0.9"], compiled=[]),
            r"\(turing\): .*0.1 to 0.9 are of no generation",
        ),
        (support(capabilities=["9.0", "7.5"], compiled=[]), r"\(turing\): .*the wrong way round"),
        (support(capabilities=["9", "9.0"]), r"\(turing\): .*capabilities\[0\]"),
        (support(cudnn="new"), r"\(turing\): .*cudnn"),
        (changed("broken", 0, instead="2.16.9"), r"\(2.16.1\): TensorFlow 2.16.9.* in no stack"),
        (changed("generations", 3, capability="2.5"), r"gpus.yml: .*\(Maxwell\): .*Kepler"),
        (changed("generations", 1, name="Tesla"), "another generation of this name"),
        (changed("generations", 1, modules=[]), r"\(Fermi\): no kernel module"),
        (changed("generations", 1, modules=["nouveau"]), r"\(Fermi\): .*modules\[0\]"),
        (line(headers="linux-{kernle}"), "linux-{kernle} has a word in braces"),
        (line(releases="(6"), r"\(6 is no regular expression"),
        (changed("systems", 0, fresh={}), "a fresh host of version 12 is not told"),
        (changed("drivers", 0, system="beos"), r"drivers.yml: .*row 1 \(beos\): .*no system beos"),
        (changed("drivers", 0, versions=["5"]), "there is no version 5 of ubuntu"),
        (changed("drivers", 0, branches={"x": "open"}), "the branch x is no number"),
        (changed("drivers", 4, branches={"470": "open"}), "the open module, which no package"),
        (changed("repositories", 0, version="5"), "repositories.yml: .*no version 5 of ubuntu"),
        (support(capabilities=["7.5", "9.0"]), r"\(turing\): compiled: 10.0 is not among"),
        (support(system_cudnn=""), r"\(turing\): system_lock and system_cudnn go together"),
        (
            lambda rows: rows["stacks"][0]["gpu"]["compiled"].reverse(),
            r"compiled: 12.0 does not come after a lower",
        ),
        (
            lambda rows: rows["drivers"][7]["ceilings"][0].update(branch="555"),
            "a ceiling is of 555 open, which is not offered",
        ),
        (changed("stacks", -3, pinned=True), "no stack here is for the CPU"),
        (changed("stacks", -3, jax="0.12.0"), "the version of one of tensorflow, jax and torch"),
        (changed("stacks", -2, jax=None), "the version of one of tensorflow, jax and torch"),
        (lambda rows: rows.pop("drivers"), "plan_matrix: drivers missing or unknown"),
    ],
)
def test_a_fault_in_the_rows_is_one_line_that_names_file_and_row(
    change: Callable[[Rows], None], said: str
) -> None:
    rows = row_files.matrix()
    change(rows)
    with pytest.raises(InvalidDataError, match=said) as told:
        load(rows)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith((FOLDER, "plan_matrix"))


def test_it_is_what_the_role_plan_stops_with() -> None:
    rows = row_files.matrix()
    rows["stacks"][0]["lock"] = "none.txt"
    came = gpu_stack(recorded.system("debian-12"), {}, rows, "here")
    assert came == {
        "refusal": f"{FOLDER}/stacks.yml: plan_stacks, row 1 (turing): "
        "there is no lock file none.txt"
    }


@pytest.mark.parametrize(
    ("found", "options", "line"),
    [
        ({"free_mb": "much"}, {}, "the facts of the host: Expected `int`.*free_mb"),
        ({}, {"reboot": "perhaps"}, "the options: Expected `bool`.*reboot"),
        ({}, {"cudda": "none"}, "the options: .*`cudda`"),
    ],
)
def test_facts_and_options_of_another_shape_are_too(found: Rows, options: Rows, line: str) -> None:
    came = gpu_stack(recorded.system("debian-12") | found, options, row_files.matrix(), "here")
    assert set(came) == {"refusal"}
    assert re.search(line, came["refusal"])
