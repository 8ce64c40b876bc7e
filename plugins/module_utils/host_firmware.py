"""What kind of machine a host is, and what its firmware lets it boot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .sysroot import exists, inside, link, names, raw, text

VARIABLES = "sys/firmware/efi/efivars"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"  # the UEFI specification's own variables
SHIM = "605dab50-e046-4300-abb6-3dd810dd8b23"
# Where the key that DKMS signs with lies: Ubuntu's and Debian's shim-signed, then DKMS's own.
KEYS = ("/var/lib/shim-signed/mok/MOK.der", "/var/lib/dkms/mok.pub")
LAPTOPS = {"8", "9", "10", "11", "14", "30", "31", "32"}  # SMBIOS 3.7, 7.4.1: chassis types
JETSON = re.compile(r"Jetson|Tegra|Orin|Xavier", re.IGNORECASE)


def secure_boot(root: Path) -> dict[str, Any]:
    """Whether the kernel takes signed modules only, and what has become of the signing key.

    Compare `mokutil --sb-state` and `mokutil --test-key KEY`.  The first four bytes of a variable
    in efivarfs are its attributes.
    """
    if not (root / "sys/firmware/efi").is_dir():
        return {"state": "no efi", "key": "", "enrolled": False, "staged": False}
    on = raw(root / VARIABLES / f"SecureBoot-{GLOBAL}")[4:5] == b"\1"
    # `mokutil --disable-validation`: the kernel then takes any module, as without Secure Boot.
    waived = raw(root / VARIABLES / f"MokSBStateRT-{SHIM}")[4:5] == b"\1"
    key = next((path for path in KEYS if raw(inside(root, path))), "")
    certificate = raw(inside(root, key)) if key else b""
    enrolled = raw(root / "sys/firmware/efi/mok-variables/MokListRT") + raw(
        root / VARIABLES / f"MokListRT-{SHIM}"
    )
    return {
        "state": "enabled" if on and not waived else "disabled",
        "key": key,
        "enrolled": bool(certificate) and certificate in enrolled,
        "staged": exists(root / VARIABLES / f"MokNew-{SHIM}"),
    }


def machine(root: Path) -> str:
    """`Jetson` or `DGX`, which NVIDIA provisions itself; "" for any other."""
    model = text(root / "proc/device-tree/model") + text(
        root / "sys/firmware/devicetree/base/model"
    )
    if exists(root / "etc/nv_tegra_release") or JETSON.search(model):
        return "Jetson"
    product = text(root / "sys/class/dmi/id/product_name")
    is_dgx = exists(root / "etc/dgx-release") or re.match(r"(NVIDIA[ _])?DGX", product)
    return "DGX" if is_dgx else ""


def firmware(root: Path) -> dict[str, str]:
    """What the firmware says of the machine, by which a cloud's virtual machine is known."""
    folder = root / "sys/class/dmi/id"
    return {
        "vendor": text(folder / "sys_vendor"),
        "product": text(folder / "product_name"),
        "tag": text(folder / "chassis_asset_tag"),
    }


def laptop(root: Path) -> bool:
    """Whether the chassis is one that is carried."""
    return text(root / "sys/class/dmi/id/chassis_type") in LAPTOPS


def desktop(root: Path) -> bool:
    """Whether the host boots to a screen: a display manager, or systemd's graphical target."""
    units = root / "etc/systemd/system"
    if (units / "display-manager.service").is_symlink():
        return True
    target = units / "default.target"
    managers = names(root / "usr/bin") + names(root / "usr/sbin")
    known = {"gdm3", "gdm", "sddm", "lightdm", "lxdm", "xdm"}
    return "graphical" in link(target) and bool(known.intersection(managers))
