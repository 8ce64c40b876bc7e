"""The driver's units in a Debian 12 root, by the real `systemctl enable`; nothing is started there.

What the units start on a machine with GPUs is seen nowhere here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.roots import Root, changed, discard, root_on

PLAYBOOK = "tests/roles/units.yml"
WANTS = "etc/systemd/system/multi-user.target.wants"
PERSISTENCE = "grindstone-nvidia-persistence.service"
FABRIC = "nvidia-fabricmanager.service"
LOADED = "etc/modules-load.d/grindstone-nvlink.conf"
UNIT = "[Service]\nType=forking\nExecStart=/usr/bin/nv-fabricmanager\n\n[Install]\n"


def enabled(root: Root, name: str) -> str:
    """What systemd itself says of the unit."""
    return root.command("sh", "-c", f"systemctl is-enabled {name} || true").strip()


def test_units_are_enabled_for_the_next_boot_and_taken_back(
    base: Callable[..., Path], tmp_path: Path
) -> None:
    with root_on([base("bookworm", "systemd")], tmp_path) as root:
        unit = root.path / "usr/lib/systemd/system" / FABRIC
        unit.write_text(f"{UNIT}WantedBy=multi-user.target\n", encoding="utf-8")
        before = root.tree()
        both: dict[str, object] = {
            "units_fabric_manager": "nvidia-fabricmanager-580",
            "units_modules": ["ib_umad"],
            "units_persistence": True,
        }
        first = root.play(playbook=PLAYBOOK, **both)
        assert (first.status, first.recap["changed"]) == (0, 4), first.output
        loaded = (root.path / LOADED).read_text(encoding="utf-8").splitlines()
        assert [line for line in loaded if not line.startswith("#")] == ["ib_umad"]
        assert {path.name for path in (root.path / WANTS).glob("*nvidia*")} == {FABRIC, PERSISTENCE}
        assert enabled(root, FABRIC) == enabled(root, PERSISTENCE) == "enabled"
        second = root.play(playbook=PLAYBOOK, **both)
        assert (second.status, second.recap["changed"]) == (0, 0), second.output
        neither: dict[str, object] = {
            "units_fabric_manager": "",
            "units_modules": [],
            "units_persistence": False,
        }
        third = root.play(playbook=PLAYBOOK, **neither)
        assert third.status == 0, third.output
        assert enabled(root, PERSISTENCE) != "enabled"
        left = set(changed(before, root.tree()))
        # A fabric manager that is there stays enabled until its package goes.
        assert {path for path in left if "systemd" in path} <= {WANTS, f"{WANTS}/{FABRIC}"}
    discard(tmp_path)
