"""What the resolver makes of hosts and wishes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils.gpu_stack import (
    UV,
    Matrix,
    Plan,
    RefusedError,
    Wishes,
    describe,
    resolve,
)
from plugins.modules import gpu_facts
from tests.unit import hosts

ROLE = Path(__file__).parents[2] / "roles"
ROWS = yaml.safe_load((ROLE / "plan/vars/main.yml").read_text(encoding="utf-8"))
MATRIX = Matrix(**{name: ROWS[f"plan_{name}"] for name in ROWS["plan_matrix"]})
RANGE = ["3.10", "3.11", "3.12", "3.13"]
PLENTY = {"free_mb": 100_000}


def facts(tmp_path: Path, host: hosts.Host) -> dict[str, Any]:
    return gpu_facts.look(hosts.write(tmp_path, host), "/opt/grindstone") | PLENTY


@pytest.mark.parametrize(
    ("host", "wish", "python", "base", "packages"),
    [
        (hosts.DEBIAN_12, "", "3.11", "/usr/bin/python3.11", []),
        (hosts.DEBIAN_12_WITHOUT_VENV, "", "3.11", "/usr/bin/python3.11", ["python3-venv"]),
        (hosts.DEBIAN_13, "", "3.13", "/usr/bin/python3.13", []),
        (hosts.AARCH64, "", "3.13", "/usr/bin/python3.13", []),
        (hosts.UBUNTU_2204, "", "3.10", "/usr/bin/python3.10", []),
        (hosts.UBUNTU_2604, "", "3.13", UV, []),
        (hosts.ARCH, "", "3.13", UV, []),
        (hosts.ARCH_WITH_312, "", "3.12", "/usr/bin/python3.12", []),
        (hosts.ARCH_WITH_312, "3.11", "3.11", UV, []),
        (hosts.DEBIAN_13, "3.12", "3.12", UV, []),
        (hosts.UBUNTU_2204, "3.1", "3.10", "/usr/bin/python3.10", []),
        (hosts.WSL, "", "3.10", "/usr/bin/python3.10", []),
    ],
)
def test_each_system_gets_an_interpreter_in_tensorflow_s_range(
    tmp_path: Path, host: hosts.Host, wish: str, python: str, base: str, packages: list[str]
) -> None:
    plan = resolve(facts(tmp_path, host), Wishes(python=wish), MATRIX)
    assert (plan.record["tensorflow"]["python"], plan.base) == (python, base)
    assert plan.packages == packages


@pytest.mark.parametrize(
    ("host", "wish", "found", "expected", "advice"),
    [
        (hosts.FEDORA, "", "Fedora 43", "Debian 12 or 13, Ubuntu .* or Arch", "a container"),
        (hosts.RISCV, "", "riscv64", "x86_64 or aarch64", "use a machine"),
        (hosts.OLD_GLIBC, "", "glibc 2.24", "glibc 2.27 or newer", "use a newer system"),
        (hosts.DEBIAN_12, "3.9", "plan_python=3.9", "3.10 to 3.13", "leave plan_python empty"),
    ],
)
def test_a_host_that_nothing_fits_is_refused_with_what_does(
    tmp_path: Path, host: hosts.Host, wish: str, found: str, expected: str, advice: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        resolve(facts(tmp_path, host), Wishes(python=wish), MATRIX)
    parts = f".*{found}; .*{expected}.*: .*{advice}.*"
    assert re.fullmatch(parts, str(caught.value))


def test_a_disk_that_is_too_small_is_refused_with_both_sizes(tmp_path: Path) -> None:
    found = facts(tmp_path, hosts.DEBIAN_12) | {"free_mb": 1_200}
    with pytest.raises(RefusedError, match=r"found 1\.2 GB free for /opt/grindstone; .* 4\.5 GB"):
        resolve(found, Wishes(), MATRIX)


def test_a_small_disk_is_no_matter_where_tensorflow_is_already(tmp_path: Path) -> None:
    there = {"environment": {"python": "3.11", "tensorflow": "2.21.0"}, "free_mb": 10}
    assert not resolve(facts(tmp_path, hosts.DEBIAN_12) | there, Wishes(), MATRIX).changes


def test_a_prefix_that_is_no_absolute_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="plan_prefix=«here»; expected an absolute path"):
        resolve(facts(tmp_path, hosts.DEBIAN_12), Wishes(prefix="here"), MATRIX)


def test_without_a_gpu_the_plan_says_that_driver_and_cuda_are_not_needed(tmp_path: Path) -> None:
    found = facts(tmp_path, hosts.DEBIAN_12)
    block = describe(resolve(found, Wishes(), MATRIX), found, "here")
    assert "no NVIDIA GPU found: driver and CUDA are not needed here" in block


def test_every_row_of_the_matrix_names_its_source_and_its_lock_is_there() -> None:
    for rows in vars(MATRIX).values():
        assert all(row["source"] for row in rows)
    for stack in MATRIX.stacks:
        lock = (ROLE / "tensorflow/files" / stack["lock"]).read_text(encoding="utf-8")
        assert f"\ntensorflow=={stack['tensorflow']} " in lock


def interpreters() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Any interpreters a host may have, at most one of them being `python3`."""
    versions = st.lists(st.integers(8, 16), unique=True).map(sorted)
    flags = st.tuples(st.booleans(), st.booleans())
    several = versions.flatmap(
        lambda minors: st.tuples(
            st.just(minors),
            st.lists(flags, min_size=len(minors), max_size=len(minors)),
            st.sampled_from([None, *minors]),
        )
    )
    return several.map(
        lambda drawn: [
            {
                "path": f"/usr/bin/python3.{minor}",
                "version": f"3.{minor}",
                "whole": whole,
                "ensurepip": ensurepip,
                "default": minor == drawn[2],
            }
            for minor, (whole, ensurepip) in zip(drawn[0], drawn[1], strict=True)
        ]
    )


ANY_FACTS = st.fixed_dictionaries(
    {
        "distribution": st.sampled_from(
            [
                {"id": "debian", "name": "Debian", "version": "12"},
                {"id": "ubuntu", "name": "Ubuntu", "version": "26.04"},
                {"id": "ubuntu", "name": "Ubuntu", "version": "18.04"},
                {"id": "arch", "name": "Arch", "version": ""},
                {"id": "fedora", "name": "Fedora", "version": "43"},
            ]
        ),
        "architecture": st.sampled_from(["x86_64", "aarch64", "riscv64"]),
        "kernel": st.just("6.12.0-1-amd64"),
        "wsl": st.booleans(),
        "container": st.sampled_from(["", "docker"]),
        "glibc": st.sampled_from(["", "2.24", "2.27", "2.41"]),
        "gpus": st.sampled_from([[], [{"address": "0000:01:00.0", "device": "0x2204"}]]),
        "pythons": interpreters(),
        "environment": st.sampled_from(
            [
                {"python": "", "tensorflow": ""},
                {"python": "3.11", "tensorflow": "2.20.0"},
                {"python": "3.13", "tensorflow": "2.21.0"},
            ]
        ),
        "free_mb": st.sampled_from([100, 4_500, 90_000]),
    }
)
ANY_WISHES = st.builds(
    Wishes,
    prefix=st.sampled_from(["/opt/grindstone", "/srv/a b"]),
    python=st.sampled_from(["", "3.9", *RANGE, "3.14", "three"]),
)


def attempt(found: dict[str, Any], wishes: Wishes) -> Plan | str:
    try:
        return resolve(found, wishes, MATRIX)
    except RefusedError as refused:
        return str(refused)


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_the_same_facts_give_the_same_plan_or_the_same_one_line(
    found: dict[str, Any], wishes: Wishes
) -> None:
    first = attempt(found, wishes)
    assert attempt(found, wishes) == first
    if isinstance(first, str):
        assert first
        assert "\n" not in first


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_no_plan_has_an_interpreter_outside_the_range_or_the_wish(
    found: dict[str, Any], wishes: Wishes
) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan):
        python = plan.record["tensorflow"]["python"]
        assert python in RANGE
        assert wishes.python in ("", python)
        usable = {row["path"]: row["version"] for row in found["pythons"] if row["whole"]}
        assert plan.base == UV or usable[plan.base] == python


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_the_record_is_the_same_before_and_after_the_plan_is_carried_out(
    found: dict[str, Any], wishes: Wishes
) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan):
        tensorflow = plan.record["tensorflow"]
        there = {"python": tensorflow["python"], "tensorflow": tensorflow["version"]}
        after = attempt(found | {"environment": there}, wishes)
        assert isinstance(after, Plan)
        assert after.record == plan.record


@given(found=ANY_FACTS, wishes=ANY_WISHES)
def test_the_block_is_at_most_88_columns_wide_and_has_no_blank_ends(
    found: dict[str, Any], wishes: Wishes
) -> None:
    plan = attempt(found, wishes)
    if isinstance(plan, Plan):
        for line in describe(plan, found, "here").splitlines():
            assert len(line) <= 88
            assert line == line.rstrip()
