"""The facts of a host: what gpu_info tells, typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.modules import gpu_info
from plugins.plugin_utils.host_facts import Gpu, HostFacts, Kernel, parse
from plugins.plugin_utils.typed import InvalidDataError, encode
from tests.unit import hosts


def test_every_key_that_the_module_tells_is_a_field_and_keeps_its_value(tmp_path: Path) -> None:
    found = gpu_info.look(hosts.write(tmp_path, hosts.WITH_GPU), "/opt/grindstone")
    facts = parse(found)
    assert set(found) == set(HostFacts.__struct_fields__)
    told = encode(facts)
    assert {key: told[key] for key in found if key != "kernels"} == {
        key: value for key, value in found.items() if key != "kernels"
    }
    assert [(gpu.title, gpu.capability) for gpu in facts.gpus] == [
        ("GeForce RTX 3090 (Ampere)", (8, 6))
    ]


class Unsafe(str):
    """A text that is not templated, as ansible-core has it before 2.19: `str` gives another."""

    __slots__ = ()

    def __str__(self) -> str:
        return type(self)(super().__str__())


def test_text_of_an_older_ansible_is_text() -> None:
    facts = parse({Unsafe("kernel"): Unsafe("6.18.1-arch1-1"), "gpus": [], "driver": {}})
    assert type(facts.kernels.running) is str
    assert facts.kernels.running == "6.18.1-arch1-1"


def test_facts_of_an_older_grindstone_have_empty_values_and_a_kernel() -> None:
    facts = parse({"kernel": "6.18.1-arch1-1", "gpus": [{"device": "0x3f00"}], "driver": {}})
    assert facts.kernels.running == facts.kernels.next == "6.18.1-arch1-1"
    assert facts.kernels.installed == (Kernel("6.18.1-arch1-1", flavour="linux"),)
    assert facts.gpus == facts.own_gpus == (Gpu(device="0x3f00"),)
    assert not facts.kernels.installed[0].nvidia
    assert (facts.gpus[0].title, facts.gpus[0].capability) == ("NVIDIA 0x3f00", None)
    assert facts.distribution.name == "an unknown system"
    assert facts.environment.cudnn is None


@pytest.mark.parametrize(
    ("found", "place"),
    [
        ({"gpus": "none"}, "$.gpus"),
        ({"free_mb": "much"}, "$.free_mb"),
        ({"driver": {"packages": [{"version": "1"}]}}, "$.driver.packages[0]"),
        ({"processes": [{"pid": 1, "kind": "other"}]}, "$.processes[0].kind"),
    ],
)
def test_facts_of_another_shape_are_refused_in_one_line_that_names_the_place(
    found: dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidDataError) as refused:
        parse(found)
    said = str(refused.value)
    assert said.startswith("the facts of the host: ")
    assert place in said
    assert "\n" not in said
