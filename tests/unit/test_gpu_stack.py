"""What the resolver makes of hosts and options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from docs import stacks as page
from plugins.module_utils import gpu_chips
from plugins.modules import gpu_info
from plugins.plugin_utils.gpu_stack.block import describe
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from plugins.plugin_utils.gpu_stack.plan import UV, WheelsCuda
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.gpu_stack.table import row, table
from plugins.plugin_utils.host_facts import HostFacts, parse
from tests.unit import hosts
from tests.unit.plans import recorded
from tests.unit.plans.recorded import MATRIX, Recorded


def facts(tmp_path: Path, host: hosts.Host, **more: Any) -> HostFacts:
    found = gpu_info.look(hosts.write(tmp_path, host), "/opt/grindstone")
    return parse(found | {"free_mb": 100_000} | more)


@pytest.mark.parametrize("host", recorded.hosts(), ids=str)
def test_a_recorded_host_gets_its_plan_or_its_refusal(host: Recorded) -> None:
    came = recorded.outcome(host)
    if isinstance(came, str):
        assert came == host.refused
        assert not host.expected
    else:
        expected = {"hold": recorded.hold(came), **host.expected}
        assert recorded.summary(came) | {"hold": recorded.hold(came)} == expected
        assert not host.refused


def test_there_are_at_least_150_recorded_hosts_and_no_two_of_a_name() -> None:
    names = [host.name for host in recorded.hosts()]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("name", sorted(recorded.GPUS))
def test_a_recorded_gpu_is_the_chip_that_gpu_info_sees_behind_its_device(name: str) -> None:
    said = recorded.GPUS[name]
    told = (said["chip"], said["generation"], said["compute_capability"])
    assert gpu_chips.of_device(int(said["device"], 16)) == told


def test_the_page_of_stacks_is_current() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(MATRIX), "run `python -m docs.stacks`"


def test_a_plan_reads_so() -> None:
    host = next(each for each in recorded.hosts() if each.name == "GTX 1080 Ti beside RTX 4090")
    found = parse(recorded.merged(host.found, {"driver": {"nouveau": True}}))
    plan = resolve(found, host.options, MATRIX)
    block = (Path(__file__).parent / "plans/block.txt").read_text(encoding="utf-8")
    assert describe(plan, found, MATRIX, "grinder") == block.splitlines()


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
    plan = resolve(facts(tmp_path, host), Options(python=wish), MATRIX)
    assert (plan.record.tensorflow.python, plan.base) == (python, base)
    assert list(plan.packages) == packages


@pytest.mark.parametrize(
    ("host", "wish", "found", "expected", "advice"),
    [
        (hosts.RISCV, "", "riscv64", "x86_64 or aarch64", "use a machine"),
        (hosts.OLD_GLIBC, "", "glibc 2.24", "glibc 2.27 or newer", "use a newer system"),
        (hosts.DEBIAN_12, "3.9", "plan_python=3.9", "3.10 to 3.13", "leave plan_python empty"),
    ],
)
def test_a_host_that_nothing_fits_is_refused_with_what_does(
    tmp_path: Path, host: hosts.Host, wish: str, found: str, expected: str, advice: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        resolve(facts(tmp_path, host), Options(python=wish), MATRIX)
    parts = f".*{found}; .*{expected}.*: .*{advice}.*"
    assert re.fullmatch(parts, str(caught.value))


def test_a_small_disk_is_no_matter_where_tensorflow_is_already(tmp_path: Path) -> None:
    environment = {"python": "3.11", "tensorflow": "2.21.0"}
    found = facts(tmp_path, hosts.DEBIAN_12, environment=environment, free_mb=10)
    assert not resolve(found, Options(), MATRIX).changes


def test_without_a_gpu_the_plan_says_nothing_of_driver_and_cuda(tmp_path: Path) -> None:
    environment = {"python": "3.11", "tensorflow": "2.21.0"}
    found = facts(tmp_path, hosts.DEBIAN_12, environment=environment)
    assert describe(resolve(found, Options(), MATRIX), found, MATRIX, "here") == [
        "Plan for here: nothing to do (TensorFlow 2.21.0 for the CPU)",
        "  system       Debian 12, x86_64, kernel 6.12.0-1-amd64",
        "  GPU          no NVIDIA GPU found",
        "  TensorFlow   stack cpu, in /opt/grindstone/tensorflow",
        "  Python       3.11, /usr/bin/python3.11: Debian's own python3, in TensorFlow's",
        "               range 3.10 to 3.13",
    ]


def test_many_plans_are_one_table_with_refused_and_missing_hosts_below() -> None:
    rows: dict[str, dict[str, Any]] = {}
    for name in ("RTX 4090 in an Ubuntu 24.04 server", "no GPU", "K80 in Arch"):
        host = next(each for each in recorded.hosts() if each.name == name)
        came = recorded.outcome(host)
        rows[name.split()[0]] = (
            {"refusal": came}
            if isinstance(came, str)
            else {"refusal": "", "row": row(came, parse(host.found), MATRIX)}
        )
    assert table(rows | {"gone": {}}) == [
        "Plans: 2 planned, 1 refused, 1 not reached",
        "",
        "host  GPU             driver       CUDA         TensorFlow  changes",
        "RTX   RTX 4090 (Ada)  580 open,    12.5 wheels  2.21.0      5",
        "                      precompiled",
        "no    none            none         none         2.21.0 CPU  1",
        "",
        "K80  refused: found K80 (Kepler), and Arch's driver 590 and later; expected a",
        "    branch that drives it (Kepler: up to 470, proprietary module): build",
        "    nvidia-470xx-dkms and nvidia-470xx-utils from the AUR, then run the same",
        "    command again, or set plan_cuda=none and plan_driver=skip for TensorFlow",
        "    2.21.0 (cpu)",
        "gone  not reached, or its facts could not be gathered",
    ]


def test_who_holds_the_others_back_is_named_with_what_they_would_get() -> None:
    for names, said in (
        (["K80", "GTX 1080 Ti"], "GK210 (Kepler) is the limit in this host, without which it is "),
        (["GTX 1080 Ti", "RTX 4090"], "GP102 (Pascal) is the limit in this host"),
        (["GTX 1080 Ti", "GTX 1080 Ti"], ""),
        (["RTX 3090", "RTX 4090"], ""),
    ):
        found = recorded.system("ubuntu-22.04")
        found["gpus"] = [recorded.gpu(name, place) for place, name in enumerate(names)]
        came = resolve(parse(found), Options(), MATRIX)
        assert isinstance(came.record.cuda, WheelsCuda)
        _where, _sign, reason = came.record.cuda.reason.partition("; ")
        assert reason.startswith(said)
        other = "TensorFlow 2.21.0 (plan_ignore_gpus=0000:01:00.0)"
        assert reason.removeprefix(said) == (other if said.endswith(" ") else "")


def test_equal_gpus_are_one_line_and_a_screen_that_is_left_out_is_told_of() -> None:
    found = recorded.system("ubuntu-24.04")
    names = ["GT 710", "RTX 3090", "RTX 3090", "RTX 3090"]
    found["gpus"] = [recorded.gpu(name, place) for place, name in enumerate(names)]
    facts = parse(found)
    told = " ".join(
        " ".join(describe(resolve(facts, Options(), MATRIX), facts, MATRIX, "a")).split()
    )
    assert "3 × RTX 3090 (Ampere) at 0000:02:00.0 to 0000:04:00.0, compute capability 8.6" in told
    assert "left out: the driver does not drive it; a screen on it has the resolution" in told
