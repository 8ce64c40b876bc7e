"""Secure Boot and its keys, and what kind of machine a host is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import host_firmware
from tests.support.files import lay
from tests.unit import hosts

EFIVARS = "sys/firmware/efi/efivars"
GLOBAL, SHIM = "8be4df61-93ca-11d2-aa0d-00e098032b8c", "605dab50-e046-4300-abb6-3dd810dd8b23"
ATTRIBUTES = b"\x06\0\0\0"
CERTIFICATE = b"\x30\x82\x03\x01\xff\0the key of this host"


def secure_boot(root: Path, **files: bytes) -> dict[str, Any]:
    """A machine with EFI: `variable__guid` in efivarfs, or a path with / written as ___."""
    (root / EFIVARS).mkdir(parents=True)
    for name, content in files.items():
        path = root / (name.replace("___", "/") if "___" in name else f"{EFIVARS}/{name}")
        lay(path, content)
    return host_firmware.secure_boot(root)


ON = {f"SecureBoot-{GLOBAL}": ATTRIBUTES + b"\1"}
DKMS = {"var___lib___dkms___mok.pub": CERTIFICATE}
UBUNTU = {"var___lib___shim-signed___mok___MOK.der": CERTIFICATE}
LIST = b"\x26\x16\xc4\xc1 other certificates " + CERTIFICATE + b" more"


def test_a_machine_without_efi_has_no_secure_boot(tmp_path: Path) -> None:
    found = host_firmware.secure_boot(hosts.write(tmp_path, {"var/lib/dkms/mok.pub": "x"}))
    assert found == {"state": "no efi", "key": "", "enrolled": False, "staged": False}


@pytest.mark.parametrize(
    ("files", "state"),
    [
        pytest.param(ON, "enabled", id="on"),
        pytest.param({f"SecureBoot-{GLOBAL}": ATTRIBUTES + b"\0"}, "disabled", id="off"),
        pytest.param({}, "disabled", id="no variable"),
        pytest.param({f"SecureBoot-{GLOBAL}": b"\1"}, "disabled", id="cut short"),
        pytest.param(
            {**ON, f"MokSBStateRT-{SHIM}": ATTRIBUTES + b"\1"}, "disabled", id="waived by shim"
        ),
        pytest.param(
            {**ON, f"MokSBStateRT-{SHIM}": ATTRIBUTES + b"\0"}, "enabled", id="not waived"
        ),
    ],
)
def test_secure_boot_is_what_the_kernel_makes_of_the_firmware_s_variable(
    tmp_path: Path, files: dict[str, bytes], state: str
) -> None:
    assert secure_boot(tmp_path, **files)["state"] == state


@pytest.mark.parametrize(
    ("files", "key", "enrolled", "staged"),
    [
        pytest.param({}, "", False, False, id="no key"),
        pytest.param(DKMS, "/var/lib/dkms/mok.pub", False, False, id="not enrolled"),
        pytest.param(
            {**DKMS, f"MokNew-{SHIM}": ATTRIBUTES + CERTIFICATE},
            "/var/lib/dkms/mok.pub",
            False,
            True,
            id="staged",
        ),
        pytest.param(
            {**UBUNTU, **DKMS, f"MokListRT-{SHIM}": ATTRIBUTES + LIST},
            "/var/lib/shim-signed/mok/MOK.der",
            True,
            False,
            id="enrolled, Ubuntu's",
        ),
        pytest.param(
            {**DKMS, "sys___firmware___efi___mok-variables___MokListRT": LIST},
            "/var/lib/dkms/mok.pub",
            True,
            False,
            id="enrolled, as newer kernels show it",
        ),
        pytest.param(
            {**DKMS, f"MokListRT-{SHIM}": ATTRIBUTES + b"another certificate"},
            "/var/lib/dkms/mok.pub",
            False,
            False,
            id="another one enrolled",
        ),
        pytest.param(
            {"var___lib___dkms___mok.pub": b"", f"MokListRT-{SHIM}": ATTRIBUTES + LIST},
            "",
            False,
            False,
            id="an empty key",
        ),
    ],
)
def test_a_key_is_missing_or_made_or_staged_or_enrolled(
    tmp_path: Path, files: dict[str, bytes], key: str, enrolled: bool, staged: bool
) -> None:
    expected = {"state": "enabled", "key": key, "enrolled": enrolled, "staged": staged}
    assert secure_boot(tmp_path, **ON, **files) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({}, ""),
        ({"sys/class/dmi/id/product_name": "Precision 7920 Rack\n"}, ""),
        ({"sys/class/dmi/id/product_name": "DGXA100 920-23687-2530-000\n"}, "DGX"),
        ({"sys/class/dmi/id/product_name": "NVIDIA DGX Station\n"}, "DGX"),
        ({"sys/class/dmi/id/product_name": "NVIDIA_DGX_Spark\n"}, "DGX"),
        ({"etc/dgx-release": 'DGX_NAME="DGX Server"\n'}, "DGX"),
        ({"etc/nv_tegra_release": "# R36 (release), REVISION: 4.3\n"}, "Jetson"),
        ({"proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0"}, "Jetson"),
        ({"proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"}, ""),
    ],
)
def test_machines_that_nvidia_provisions_itself_are_known(
    tmp_path: Path, host: hosts.Host, expected: str
) -> None:
    assert host_firmware.machine(hosts.write(tmp_path, host)) == expected


@pytest.mark.parametrize(
    ("chassis", "expected"), [("10\n", True), ("31\n", True), ("3\n", False), ("23\n", False)]
)
def test_a_laptop_is_known_by_its_chassis(tmp_path: Path, chassis: str, expected: bool) -> None:
    host = {"sys/class/dmi/id/chassis_type": chassis}
    assert host_firmware.laptop(hosts.write(tmp_path, host)) is expected


UNITS = "etc/systemd/system"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param(
            {f"{UNITS}/display-manager.service": "->/usr/lib/systemd/system/gdm.service"},
            True,
            id="a display manager",
        ),
        pytest.param(
            {f"{UNITS}/default.target": "->/usr/lib/systemd/system/graphical.target"},
            False,
            id="a target without anything to show",
        ),
        pytest.param(
            {
                f"{UNITS}/default.target": "->/usr/lib/systemd/system/graphical.target",
                "usr/sbin/lightdm": "",
            },
            True,
            id="a target and a manager",
        ),
        pytest.param(
            {
                f"{UNITS}/default.target": "->/usr/lib/systemd/system/multi-user.target",
                "usr/sbin/gdm3": "",
            },
            False,
            id="a manager that is not started",
        ),
    ],
)
def test_a_desktop_boots_to_a_screen(tmp_path: Path, host: hosts.Host, expected: bool) -> None:
    assert host_firmware.desktop(hosts.write(tmp_path, host)) is expected
