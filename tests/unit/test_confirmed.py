"""What a passed verification makes of a plan that no hardware has confirmed yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.gpu_chips import of_device
from plugins.modules.gpu_info import verified
from plugins.plugin_utils.gpu_stack.block import describe
from plugins.plugin_utils.gpu_stack.options import Options
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.host_facts import parse
from plugins.plugin_utils.typed import encode
from roles.verify.files.verify import main
from roles.verify.files.verify.stage import Result
from tests.support.files import lay
from tests.unit.plans import recorded

PLANNED = {"version": "2.21.0", "compiled": "GB202 (Blackwell)", "gpu": True}
PASSED = {"tensorflow": "2.21.0", "compiled": "GB202 (Blackwell)"}
HOST = next(host for host in recorded.hosts() if host.name == "RTX 5090 in a Debian 12 server")


def report(root: Path, monkeypatch: pytest.MonkeyPatch, state: str) -> dict[str, str]:
    """What is read of the file that a verification leaves whose stages end so."""
    monkeypatch.setattr(
        main, "in_child", lambda stages, *_, **__: [Result(state, "")] * len(stages)
    )
    monkeypatch.setattr(main, "here", lambda stages, _: [Result("passed", "")] * len(stages))
    plan = {"tensorflow": PLANNED, "driver": {"action": "install"}, "cuda": {"action": "wheels"}}
    lay(root / "etc/grindstone/verify.json", json.dumps(main.run(plan)))
    return verified(root)


def block(told: Any) -> str:
    found = HOST.found | {"verified": told}
    plan = recorded.outcome(HOST)
    assert not isinstance(plan, str)
    return " ".join(" ".join(describe(plan, parse(found), recorded.MATRIX, "gpu1")).split())


def test_a_passed_verification_on_the_gpu_confirms_it_in_this_host_s_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = report(tmp_path, monkeypatch, "passed")
    assert told == PASSED
    assert "minutes; confirmed on this host by its verification" in block(told)


def test_a_failed_one_and_one_of_another_gpu_or_release_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = report(tmp_path, monkeypatch, "failed")
    assert failed == {"tensorflow": "", "compiled": ""}
    others = [{"compiled": "GB100 (Blackwell)"}, {"tensorflow": "2.20.0"}]
    for told in (failed, {}, *(PASSED | other for other in others)):
        assert "minutes; not yet confirmed on hardware" in block(told)


def test_the_recorded_plan_is_the_same_before_and_after() -> None:
    after = recorded.Recorded("after", HOST.found | {"verified": PASSED}, HOST.options)
    plans = [recorded.outcome(host) for host in (HOST, after)]
    assert encode(vars(plans[0])) == encode(vars(plans[1]))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"ok": 1, "tensorflow": "2.21.0"}', '{"ok": true}']
)
def test_a_file_that_says_nothing_confirms_nothing(tmp_path: Path, text: str) -> None:
    lay(tmp_path / "etc/grindstone/verify.json", text)
    assert verified(tmp_path) == {"tensorflow": "", "compiled": ""}


def seen_on(capability: str) -> str:
    """What a plan's block says of the kernels that are compiled for such a GPU, in a container."""
    device = {"9.0": "0x2330", "10.0": "0x2901", "8.0": "0x20b0"}[capability]
    chip = of_device(int(device, 16))
    gpu = {"address": "0000:00:06.0", "device": device, "chip": chip.code}
    gpu |= {"generation": chip.generation, "compute_capability": capability}
    driver = {"loaded": "580.159.04", "libraries": "580.159.04", "devices": ["/dev/nvidia0"]}
    found = recorded.system("ubuntu-24.04") | {"gpus": [gpu], "container": "docker"}
    facts = parse(found | {"driver": driver})
    plan = resolve(facts, Options(), recorded.MATRIX)
    return " ".join(" ".join(describe(plan, facts, recorded.MATRIX, "gpu1")).split())


def test_a_gpu_with_most_kernels_ready_is_told_of_seconds_and_one_without_of_minutes() -> None:
    partly = "some kernels are compiled for H100 SXM5 80GB (Hopper) at their first use, in "
    assert f"{partly}seconds Python" in seen_on("9.0")
    assert "kernels are compiled for B200 (Blackwell) once, at the first start, for" in seen_on(
        "10.0"
    )
    assert "compiled for" not in seen_on("8.0")


def test_a_gpu_has_its_name_where_the_host_has_no_list_of_names() -> None:
    assert "H100 SXM5 80GB (Hopper) at 0000:00:06.0" in seen_on("9.0")
    assert "A100 SXM4 40GB (Ampere) at 0000:00:06.0" in seen_on("8.0")
