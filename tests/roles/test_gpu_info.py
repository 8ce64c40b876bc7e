"""`gpu_info` through Ansible on real Debians: a host that is one is read as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.roots import Root, changed
from tests.unit.test_gpu_chips import disagreements, listed


def look(root: Root, folder: Path) -> dict[str, Any]:
    file = folder / "found.json"
    played = root.play(playbook="tests/roles/facts.yml", facts_file=str(file))
    assert played.status == 0, played.output
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_a_fresh_debian_is_read_and_left_as_it_is(
    fresh: Callable[[str], Root], tmp_path: Path
) -> None:
    root = fresh("bookworm")
    before = root.tree()
    found = look(root, tmp_path)
    assert changed(before, root.tree()) == {}
    assert found["distribution"] == {
        "id": "debian",
        "name": "Debian",
        "version": "12",
        "codename": "bookworm",
        "base_codename": "",
        "like": [],
    }
    assert found["glibc"] == "2.36"
    assert found["kernels"]["installed"] == []
    assert found["kernels"]["next"] == found["kernels"]["running"] == found["kernel"]
    assert [(each["path"], each["whole"]) for each in found["pythons"]] == [
        ("/usr/bin/python3.11", True)
    ]
    assert found["packages"] == {
        "manager": "apt",
        "held": [],
        "half_installed": [],
        "unfinished": [],
        "locked": False,
        "repositories": [],
        "repository_files": {},
        "suites": ["bookworm"],
        "archives": [],  # none has a driver
        "pins": [],
        "unattended_upgrades": False,
    }
    assert found["driver"]["packages"] == found["cuda"] == found["cudnn"] == []
    assert found["owned"] == {"open": [], "packages": [], "prefixes": []}
    unmade = ("python", "tensorflow", "jax", "torch", "wheel", "cudnn")
    assert found["environment"] == dict.fromkeys(unmade, "")
    assert found["free_mb"] > 0


def test_kernels_headers_and_holds_of_a_real_debian_are_found(
    fresh: Callable[[str], Root], tmp_path: Path
) -> None:
    root = fresh("bookworm")
    install = ["apt-get", "-y", "-q", "--no-install-recommends", "install"]
    with root.sharing_packages():
        root.command("apt-get", "-q", "update")
        root.command(*install, "linux-image-cloud-amd64", "linux-headers-cloud-amd64")
    root.command("apt-mark", "hold", "linux-image-cloud-amd64", "python3")
    found = look(root, tmp_path)
    (kernel,) = found["kernels"]["installed"]
    release = root.command("ls", "/lib/modules").split()[0]
    assert kernel == {
        "release": release,
        "package": f"linux-image-{release}",
        "flavour": "cloud-amd64",
        "metas": ["linux-image-cloud-amd64"],
        "foreign": False,
        "realtime": False,
        "headers": True,
        "nvidia": {},
    }
    assert found["kernels"]["next"] == release
    assert found["packages"]["held"] == ["linux-image-cloud-amd64"]


def test_the_table_of_chips_agrees_with_debian_13_s_list(fresh: Callable[[str], Root]) -> None:
    root = fresh("trixie")
    root.command("apt-get", "-q", "update")
    root.command("apt-get", "-y", "-q", "--no-install-recommends", "install", "pci.ids")
    said = root.text("usr/share/misc/pci.ids")
    assert len(listed(said)) > 900
    assert disagreements(said) == []
