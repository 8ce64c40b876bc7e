"""A name that is nearly a role's input is refused, and no other."""

from __future__ import annotations

import pytest
import yaml

from docs.roles import ROLES
from plugins.plugin_utils.variable_names import misspelled

ROLE_NAMES = sorted(path.name for path in ROLES.iterdir())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plan_drvier", "plan_driver"),
        ("plan_driver_orgin", "plan_driver_origin"),
        ("plan_ignore_gpu", "plan_ignore_gpus"),
        ("benchmark_option", "benchmark_options"),
        ("benchmark_distrbuted_port", "benchmark_distributed_port"),
        ("nvidia_driver_persistance", "nvidia_driver_persistence"),
    ],
)
def test_the_input_that_was_meant_is_named(given: str, expected: str) -> None:
    told = f"found the variable {given}; expected {expected}: correct its name"
    assert misspelled(["ansible_host", given, "plan_cuda"]) == told


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_no_name_of_a_role_s_own_is_misspelled(role: str) -> None:
    options = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text("utf-8"))
    inputs = list(options["argument_specs"]["main"]["options"])
    assert inputs
    assert misspelled([*inputs, f"{role}_facts"]) == ""


@pytest.mark.parametrize(
    "others",
    [
        "container_registry",
        "verify_ssl",
        "plan_b",
        "remove_users",
        "cuda_version",
        "drvier",
        "plan",
    ],
)
def test_what_only_begins_like_a_role_is_somebody_else_s(others: str) -> None:
    assert misspelled([others]) == ""


def test_what_the_roles_and_playbooks_set_by_themselves_is_known() -> None:
    own = ["plan_drivers", "plan_results", "benchmark_serial", "benchmark_packed", "verify_report"]
    assert misspelled(own) == ""
