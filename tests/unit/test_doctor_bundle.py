"""What the doctor lets out of the house: the bundle for a bug report."""

from __future__ import annotations

import io
import json
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from plugins.modules import gpu_bundle
from plugins.plugin_utils.gpu_doctor.playbook import gpu_doctor_bundle
from plugins.plugin_utils.gpu_doctor.redaction import Redaction
from tests.unit.doctor.hosts import HEALTHY

SECRETS = [
    "gpu1.example.org",
    "gpu1",
    "rome-lab",
    "vault.corp",
    "10.20.30.40",
    "8.8.4.4",
    "9.9.9.9",
    "192.168.178.20",
    "2001:db8::dead:beef",
    "fe80::1ff:fe23:4567:890a",
    "::ffff:10.9.8.7",
    "52:54:00:ab:cd:ef",
    "52-54-00-AB-CD-E0",
    "0011.2233.4455",
    "enx525400abcdef",
    "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0d:51:a1",
    "ada.lovelace",
    "Ada Lovelace",
    "alovelace",
    "ada@mail.example.org",
    "GPU-7d2a5ec4-2b0c-4a3e-9a55-0123456789ab",
    "0f9d1c1e-6a1b-4f55-8f1c-aabbccddeeff",
    "1323521012345",
    "S5Y1NG0N123456",
    "4c4c4544004b5610804cb4c04f4e4d32",
    "proxy.inside.example",
    "hunter2",
    "babbage",
    "5002538d40a1b2c3",
]
LEAKS = [
    "host gpu1.example.org alias gpu1 in rome-lab via vault.corp",
    "from 10.20.30.40:22 dns 8.8.4.4, cudnn from 9.9.9.9 and (192.168.178.20/24)",
    "cudnn server 9.9.9.9",
    "inet6 2001:db8::dead:beef/64 fe80::1ff:fe23:4567:890a%eth0 [::ffff:10.9.8.7]:22",
    "ether 52:54:00:ab:cd:ef 52-54-00-AB-CD-E0 0011.2233.4455 enx525400abcdef: renamed",
    "infiniband 80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0d:51:a1",
    "session for user ada.lovelace (Ada Lovelace) uid=1000(alovelace) in /home/alovelace/run",
    "/home/babbage/train.py on nvme wwn-0x5002538d40a1b2c3",
    "mail ada@mail.example.org; USER=alovelace; /Users/alovelace/x",
    "UUID: GPU-7d2a5ec4-2b0c-4a3e-9a55-0123456789ab root=UUID=0f9d1c1e-6a1b-4f55-8f1c-aabbccddeeff",
    "Serial Number: 1323521012345; /dev/disk/by-id/ata-Samsung_SSD_870_S5Y1NG0N123456-part1",
    "usb 1-1: SerialNumber: S5Y1NG0N123456 machine-id: 4c4c4544004b5610804cb4c04f4e4d32",
    "4c4c4544004b5610804cb4c04f4e4d32",
    "http_proxy=http://alovelace:hunter2!@proxy.inside.example:3128/",
]
KEPT = [
    "0000:01:00.0",
    "535.261.03",
    '"9.3.0.75"',
    "libcudnn9-cuda-12=9.3.0.75-1",
    "nvidia_cudnn_cu12-9.10.2.21",
    "https://developer.download.nvidia.com/compute",
    "e7f219eab6fe4819cdb5c15b98233dc3420302d9c00883219cd3d896857cf48d",
    "EB693B3035CD5710E231E123A4B469963BF863CC",
    "nv-pci.c:237:9: error",
    "6.1.0-50-amd64",
    "std::string at 12:34:56",
    "/usr/local/cuda-11.0/lib64",
    "Xid (PCI:0000:01:00): 79",
]


def planted(value: Any) -> Any:
    """The same structure with every secret in each of its texts."""
    if isinstance(value, dict):
        return {key: planted(part) for key, part in value.items()} | {"leak": list(LEAKS)}
    if isinstance(value, list):
        return [planted(part) for part in value] + list(LEAKS)
    return f"{value} {' | '.join(LEAKS)}" if isinstance(value, str) else value


def examined() -> dict[str, Any]:
    seen = {
        name: planted({**deepcopy(part), "keep": list(KEPT)}) if isinstance(part, dict) else part
        for name, part in HEALTHY.items()
    }
    seen["found"]["cudnn"] = [{"version": "9.3.0.75", "path": "/usr/lib", "origin": "nvidia"}]
    seen["refusal"] = " ".join(LEAKS)
    return {
        "seen": seen,
        "files": {"plan.json": json.dumps(planted({"a": "b"})), "verify.json": "\n".join(LEAKS)},
        "block": "\n".join(LEAKS),
        "findings": [{"evidence": line} for line in LEAKS],
        "private": {
            "hosts": ["gpu1.example.org", "rome-lab", "localhost", ""],
            "users": ["alovelace", "Ada Lovelace", "ubuntu", ""],
        },
    }


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "report.tar.gz"
    path.write_bytes(gpu_bundle.archive(gpu_doctor_bundle([examined(), examined()])))
    return path


def members(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
        }


def test_no_secret_is_left_anywhere_in_the_bundle(packed: Path) -> None:
    files = members(packed)
    assert len(files) == 2 * 9
    everything = json.dumps(files) + packed.read_bytes().decode(errors="replace")
    with tarfile.open(packed) as archive:
        for member in archive.getmembers():
            everything += json.dumps([str(part) for part in member.get_info().values()])
            assert (member.uid, member.uname, member.mtime) == (0, "", 0)
    found = [secret for secret in SECRETS if secret.lower() in everything.lower()]
    assert found == []


def test_every_secret_is_planted_in_every_file_of_the_bundle() -> None:
    host_state = examined()
    for part in (*host_state["seen"].values(), *host_state["files"].values(), host_state["block"]):
        told = part if isinstance(part, str) else json.dumps(part)
        assert [secret for secret in SECRETS if secret not in told] == []


def test_what_a_report_is_read_for_stays_in_the_bundle(packed: Path) -> None:
    told = members(packed)["grindstone/host-1/found.json"]
    plain = told.replace('\\"', '"')
    assert [text for text in KEPT if text not in plain] == []
    assert json.loads(told)["cudnn"] == [
        {"version": "9.3.0.75", "path": "/usr/lib", "origin": "nvidia"}
    ]


def test_the_same_thing_has_the_same_name_throughout_a_bundle() -> None:
    redaction = Redaction(["gpu1.example.org"], ["ada"])
    told = redaction.text("gpu1 at 10.0.0.1, gpu2 at 10.0.0.2, ada@gpu1, 10.0.0.1 again")
    assert told == (
        "<host-1> at <address-1>, gpu2 at <address-2>, <user-1>@<host-1>, <address-1> again"
    )


def test_an_account_of_an_image_is_nobody_s_name() -> None:
    told = Redaction(["localhost"], ["ubuntu"]).text("ubuntu 24.04 on localhost, nvidia 535")
    assert told == "ubuntu 24.04 on localhost, nvidia 535"


def test_the_same_files_make_the_same_archive() -> None:
    files = {"b": "2", "a": "1"}
    assert gpu_bundle.archive(files) == gpu_bundle.archive(dict(reversed(files.items())))
    with tarfile.open(fileobj=io.BytesIO(gpu_bundle.archive(files))) as archive:
        assert archive.getnames() == ["grindstone/a", "grindstone/b"]
