"""A new TensorFlow, a new Ubuntu and a new generation of GPUs are rows, and no Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docs import stacks as page
from plugins.plugin_utils.gpu_doctor.examine import examine
from plugins.plugin_utils.gpu_stack.load import load
from plugins.plugin_utils.gpu_stack.playbook import gpu_stack
from tests.unit import invented
from tests.unit.doctor.hosts import SYMPTOMS, host
from tests.unit.plans import recorded

Rows = dict[str, Any]


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return invented.rows(tmp_path)


def told(rows: Rows, *gpus: Rows, there: Rows | None = None, **options: Any) -> Rows:
    """What the role plan gets for an Ubuntu 28.04, fresh or with a driver."""
    found = recorded.system("ubuntu-26.04") | invented.UBUNTU_2804
    return gpu_stack(found | {"gpus": list(gpus), "driver": there}, options, rows, "here")


def test_the_new_gpu_in_the_new_ubuntu_gets_the_new_tensorflow(rows: Rows) -> None:
    came = told(rows, invented.RUBIN)
    assert came["refusal"] == ""
    record = came["record"]
    assert (record["stack"], record["tensorflow"]["version"]) == ("ampere", "9.9.0")
    assert record["gpus"][0]["chip"] == "GR100"
    assert record["host"]["distribution"] == "Ubuntu 28.04"
    driver = record["driver"]
    assert (driver["branch"], driver["flavour"], driver["method"]) == ("700", "open", "dkms")
    assert driver["packages"][:2] == ["nvidia-headless-700-open", "nvidia-dkms-700-open"]
    assert driver["reason"] == "only the open module drives GR100 (Rubin)"
    assert record["cuda"]["installed_cudnn"] == "10.4.0.9"
    assert came["lock"].endswith("tensorflow-9.9.0.txt")
    assert "R100 (Rubin) at" in "\n".join(came["block"])


def test_its_cuda_can_be_the_system_s(rows: Rows) -> None:
    came = told(rows, invented.RUBIN, cuda="system")
    cuda = came["record"]["cuda"]
    assert (cuda["prefix"], cuda["installed_cudnn"]) == ("/usr/local/cuda-14.1", "10.2.0.1")
    assert cuda["repository"]["distro"] == "ubuntu2804"
    assert came["lock"].endswith("tensorflow-9.9.0-system.txt")


def test_older_gpus_keep_their_stacks_and_newer_ones_get_the_new(rows: Rows) -> None:
    gpus = {name: recorded.gpu(name, 0) for name in ("T4", "RTX 5090", "RTX 4090")}
    assert told(rows, gpus["T4"])["record"]["stack"] == "turing"
    for name in ("RTX 5090", "RTX 4090"):
        assert told(rows, gpus[name])["record"]["stack"] == "ampere"


@pytest.mark.parametrize(
    ("lists", "gpus", "options", "refusal"),
    [
        (["stacks", "generations"], ["R100"], {}, "found Ubuntu 28.04; expected Debian 12"),
        (["systems", "drivers"], ["R100"], {}, "GPUs from Kepler to Blackwell"),
        ([], ["NVIDIA 0x4f00"], {}, "GPUs from Kepler to Rubin"),
        (["systems", "drivers", "generations"], ["R100"], {}, "expected at most 12.1"),
        ([], ["R100", "V100"], {"cuda": "none"}, "R100 (Rubin), which only the open module drives"),
        ([], ["T4"], {"tensorflow": "9.9"}, "expected at least 8.0, which TensorFlow 9.9"),
        ([], ["R100"], {"driver": "580"}, "a branch that Ubuntu 28.04 has, 700"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_rows(
    tmp_path: Path, lists: list[str], gpus: list[str], options: dict[str, Any], refusal: str
) -> None:
    known = {"R100": invented.RUBIN, "NVIDIA 0x4f00": {"device": "0x4f00"}}
    found = [known.get(name) or recorded.gpu(name, 0) for name in gpus]
    assert refusal in told(invented.rows(tmp_path, *lists), *found, **options)["refusal"]


def test_a_module_that_does_not_drive_the_new_gpu_is_replaced(rows: Rows) -> None:
    there = {"loaded": "700.30", "loaded_flavour": "proprietary", "libraries": "700.30"}
    package = {"name": "nvidia-dkms-700", "origin": "distribution"}
    driver = {**there, "origin": "distribution", "branch": "700", "packages": [package]}
    came = told(rows, invented.RUBIN, there=driver)
    assert came["record"]["driver"]["remove"] == ["nvidia-dkms-700"]
    findings = examine(
        host(
            matrix=rows,
            **{"found.gpus": [invented.RUBIN], "found.driver.loaded_flavour": "proprietary"},
        ),
        SYMPTOMS,
    )
    assert "wrong kernel module" in [finding.symptom for finding in findings]


def test_the_page_of_stacks_follows(rows: Rows) -> None:
    text = page.page(load(rows))
    assert (
        "| `ampere` | 9.9.0 | 8.0 to 13.1 | 14.1 | 10.4.0.9 (built with 10.2.0.1) | from 700.20 |"
        in text
    )
    section = text.partition("### Rubin (from 13.0)")[2].partition("### ")[0]
    assert "Driver: from 700, open module." in section
    assert "| Ubuntu 28.04 | `ampere`, 700 open, dkms |" in section
    (refused,) = [line for line in section.splitlines() if "24.04" in line]
    assert "refused: needs a branch that drives it (Rubin: from 700, open module)" in refused
    assert "Rubin" not in page.PAGE.read_text(encoding="utf-8")
