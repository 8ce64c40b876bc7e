"""What stands for podman, NVIDIA's container toolkit and the repository that this is from.

No container runs: the engine notes what it is asked for, and the toolkit describes the GPUs that
the fake nvidia-smi tells of.
"""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

from plugins.filter.openpgp import key_fingerprints
from tests.support.mock_archive import keys
from tests.support.mock_nvidia import Nvidia
from tests.support.mock_packages import Files, Package, deb
from tests.support.roots import Root

SMI = """#!/bin/sh
[ -s /srv/gpus ] && cat /srv/gpus && exit 0
echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." >&2
exit 9
"""
CTK = """#!/bin/sh
case "$1 $2 ${3%%=*}" in
"cdi list ")
    for file in /etc/cdi/nvidia.yaml /var/run/cdi/nvidia.yaml; do
        [ ! -e $file ] || sed -n 's/^name: /nvidia.com\\/gpu=/p' $file
    done ;;
"cdi generate --output")
    [ -s /srv/gpus ] || { echo 'level=error msg="failed to initialize NVML"' >&2; exit 1; }
    sed -E 's/^([0-9]+), (.*), .*, (.*)$/name: \\1\\nname: \\2\\npath: libcuda.so.\\3/' /srv/gpus \\
        > "${3#*=}" ;;
*) exit 2 ;;
esac
"""
PODMAN = """#!/bin/sh
echo "$@" >> /srv/asked
for last; do :; done
digest=${last##*:}
case "$1 $2" in
"image inspect") [ -e "/srv/here/$digest" ] && cat "/srv/here/$digest" ;;
"pull --quiet")
    [ -e "/srv/registry/$digest" ] || { echo "Error: $last: manifest unknown" >&2; exit 125; }
    mkdir -p /srv/here && cp "/srv/registry/$digest" /srv/here/ ;;
"rmi $2") rm "/srv/here/$digest" ;;
"run --rm")
    cat > /srv/sources
    echo '{"ok": true, "failure": "", "stages":'
    echo '[{"stage": "import", "state": "passed", "found": "TensorFlow 2.21.0"}]}' ;;
*) exit 2 ;;
esac
"""
_UNIT = "[Service]\nType=oneshot\nExecStart=/usr/bin/nvidia-ctk cdi generate\n"
_WANTED = "[Install]\nWantedBy=multi-user.target\n"
UNITS: Files = {
    "usr/lib/systemd/system/nvidia-cdi-refresh.service": _UNIT + _WANTED,
    "usr/lib/systemd/system/nvidia-cdi-refresh.path": (
        f"[Path]\nPathChanged=/usr/bin/nvidia-ctk\n{_WANTED}"
    ),
}
TOOLKIT: Files = {"usr/bin/nvidia-ctk": CTK}
ENGINE: Files = {"usr/bin/podman": PODMAN}


def repository(folder: Path, *, units: bool) -> Nvidia:
    """NVIDIA's repository for the toolkit, flat, with its key beside it; and podman.

    units: whether the toolkit is one that has units.
    """
    flat = folder / "stable/deb/amd64"
    flat.mkdir(parents=True)
    version = "1.20.0-1" if units else "1.17.8-1"
    files = {**TOOLKIT, **(UNITS if units else {})}
    with keys() as signer:
        deb(Package("nvidia-container-toolkit-base", version, {}, files), flat)
        deb(Package("podman", "4.3.1+ds1-8", {}, ENGINE), flat)
        index = subprocess.check_output(["apt-ftparchive", "-qq", "packages", "."], cwd=flat)
        (flat / "Packages").write_bytes(index)
        release = subprocess.check_output(["apt-ftparchive", "-qq", "release", "."], cwd=flat)
        (flat / "InRelease").write_bytes(signer.gpg("--clearsign", data=release))
        (folder / "gpgkey").write_bytes(signer.gpg("--armor", "--export"))
        public = signer.public
    (fingerprint,) = key_fingerprints(base64.b64encode(public).decode())
    return Nvidia(folder, fingerprint)


def put_gpus(root: Root, *buses: str, driver: str = "580.95.05") -> None:
    """The GPUs that nvidia-smi tells of, by their addresses on the bus."""
    rows = [f"{n}, GPU-{n}{n}, 0000{bus}, {driver}\n" for n, bus in enumerate(buses)]
    (root.path / "srv/gpus").write_text("".join(rows), encoding="utf-8")
    smi = root.path / "usr/bin/nvidia-smi"
    smi.write_text(SMI, encoding="utf-8")
    smi.chmod(0o755)
