"""What `gpu_info` reads from hosts that are folders of files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.modules import gpu_info, host_ledger
from tests.conftest import unprivileged
from tests.unit import hosts

PREFIX = "/opt/grindstone"


def look(tmp_path: Path, host: hosts.Host) -> dict[str, Any]:
    return gpu_info.look(hosts.write(tmp_path, host), PREFIX)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (hosts.DEBIAN_12, {"id": "debian", "name": "Debian", "version": "12"}),
        (hosts.UBUNTU_2604, {"id": "ubuntu", "name": "Ubuntu", "version": "26.04"}),
        (hosts.ARCH, {"id": "arch", "name": "Arch", "version": ""}),
        ({}, {"id": "", "name": "an unknown system", "version": ""}),
    ],
)
def test_the_distribution_is_os_release_s(
    tmp_path: Path, host: hosts.Host, expected: dict[str, str]
) -> None:
    no_other = {"codename": "", "like": [], "base_codename": ""}
    assert look(tmp_path, host)["distribution"] == {**no_other, **expected}


def test_only_nvidia_s_display_devices_are_gpus(tmp_path: Path) -> None:
    found = look(tmp_path, hosts.WITH_GPU)
    assert found["gpus"] == [
        {
            "address": "0000:01:00.0",
            "device": "0x2204",
            "chip": "GA102",
            "generation": "Ampere",
            "compute_capability": "8.6",
            "name": "",
            "bound": "",
            "display": True,
            "virtual": False,
        }
    ]
    others = [{"address": "0000:00:02.0", "vendor": "0x8086", "device": "0x4680"}]
    assert found["other_gpus"] == others


def test_an_interpreter_is_known_by_its_name_and_what_of_its_library_is_there(
    tmp_path: Path,
) -> None:
    host = hosts.DEBIAN_12_WITHOUT_VENV | {
        "usr/bin/python3.11-config": "",
        "usr/bin/python3.13t": "",
        "usr/local/bin/python3.9": "",
    }
    assert look(tmp_path, host)["pythons"] == [
        {
            "path": "/usr/local/bin/python3.9",
            "version": "3.9",
            "whole": False,
            "ensurepip": False,
            "default": False,
        },
        {
            "path": "/usr/bin/python3.11",
            "version": "3.11",
            "whole": True,
            "ensurepip": False,
            "default": True,
        },
    ]


def test_a_local_python3_is_not_the_system_s_python3(tmp_path: Path) -> None:
    local = {"usr/local/bin/python3.12": "", "usr/local/bin/python3": "->python3.12"}
    found = look(tmp_path, hosts.DEBIAN_12 | local)
    defaults = [python["path"] for python in found["pythons"] if python["default"]]
    assert defaults == ["/usr/bin/python3.11"]


def test_versions_are_in_order_of_number_not_of_letters(tmp_path: Path) -> None:
    host = hosts.python("3.10") | hosts.python("3.9", default=False)
    assert [python["version"] for python in look(tmp_path, host)["pythons"]] == ["3.9", "3.10"]


@pytest.mark.parametrize(
    ("host", "glibc"), [(hosts.DEBIAN_12, "2.36"), (hosts.ARCH, "2.42"), ({}, "")]
)
def test_the_c_library_s_version_is_read_from_the_library(
    tmp_path: Path, host: hosts.Host, glibc: str
) -> None:
    assert look(tmp_path, host)["glibc"] == glibc


def test_wsl_and_containers_are_known_by_what_they_leave(tmp_path: Path) -> None:
    found = look(tmp_path, hosts.WSL | {"run/systemd/container": "lxc\n"})
    assert (found["wsl"], found["container"]) == (True, "lxc")


def test_a_machine_of_its_own_is_neither_wsl_nor_a_container(tmp_path: Path) -> None:
    found = look(tmp_path, hosts.DEBIAN_13)
    assert (found["wsl"], found["container"]) == (False, "")


def test_an_environment_with_a_wheel_of_ones_own_tells_its_hash(tmp_path: Path) -> None:
    lock = (
        f"six==1.17.0 \\\n    --hash=sha256:{'0' * 64}\n"
        f"tensorflow @ file:///srv/own.whl \\\n    --hash=sha256:{'1' * 64}\n"
    )
    found = look(tmp_path, {"opt/grindstone/tensorflow/requirements.txt": lock})
    assert found["environment"]["wheel"] == "1" * 64


def test_an_environment_whose_interpreter_is_gone_has_no_python(tmp_path: Path) -> None:
    made = {
        "opt/grindstone/tensorflow/pyvenv.cfg": "home = /usr/bin\nversion_info = 3.11.2\n",
        "opt/grindstone/tensorflow/lib/python3.11/site-packages/tensorflow-2.21.0.dist-info/R": "",
    }
    there = {"opt/grindstone/tensorflow/bin/python": ""}
    gone = {"opt/grindstone/tensorflow/bin/python": "->/nowhere/python3.11"}
    assert look(tmp_path / "there", made | there)["environment"] == {
        "python": "3.11",
        "tensorflow": "2.21.0",
        "jax": "",
        "torch": "",
        "wheel": "",
        "cudnn": "",
    }
    assert look(tmp_path / "gone", made | gone)["environment"]["python"] == ""


def test_links_from_the_root_are_followed_below_the_sysroot(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    hosts.write(outside, {"reboot-required": "", "bin/python": "", "python3.8": ""})
    host = hosts.DEBIAN_12 | {
        "var/run": f"->{outside}",
        "usr/bin/python3": "->/etc/alternatives/python3",
        "etc/alternatives/python3": "->/usr/bin/python3.11",
        "opt/grindstone": "->/data/grindstone",
        "data/grindstone/tensorflow/pyvenv.cfg": "version_info = 3.11.2\n",
        "data/grindstone/tensorflow/bin/python": "->/usr/bin/python3",
    }
    found = look(tmp_path / "root", host)
    assert found["reboot_required"] is False
    assert [python["default"] for python in found["pythons"]] == [True]
    assert found["environment"]["python"] == "3.11"
    (tmp_path / "root/data/grindstone/tensorflow/bin/python").unlink()
    out = {"data/grindstone/tensorflow/bin/python": f"->{outside}/python3.8"}
    assert look(tmp_path / "root", out)["environment"]["python"] == ""


def test_free_disk_is_that_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert gpu_info.free_mb(tmp_path / "not" / "yet" / "there") > 0


def gpu(number: str, address: str = "0000:01:00.0", kind: str = "0x030200") -> hosts.Host:
    return hosts.device(address, "0x10de", number, kind)


def test_a_gpu_is_bound_to_the_driver_that_its_link_names(tmp_path: Path) -> None:
    drivers = ("nouveau", "vfio-pci", "")
    host: hosts.Host = {}
    for number, name in enumerate(drivers):
        address = f"0000:0{number}:00.0"
        host |= gpu("0x2684", address)
        if name:
            folder = f"sys/bus/pci/devices/{address}"
            host[f"{folder}/driver"] = f"->../../../../bus/pci/drivers/{name}"
    assert [each["bound"] for each in look(tmp_path, host)["gpus"]] == list(drivers)


@pytest.mark.parametrize("parts", [("0xffff", "0xffff"), ("0xffff", "0x2684"), ("", "0x2684")])
def test_a_device_that_does_not_answer_is_no_gpu(tmp_path: Path, parts: tuple[str, str]) -> None:
    dead = hosts.device("0000:01:00.0", *parts, "0x030200")
    found = look(tmp_path, dead | gpu("0x1eb8", "0000:02:00.0"))
    assert [each["address"] for each in found["gpus"]] == ["0000:02:00.0"]
    assert found["other_gpus"] == []


def test_an_accelerator_is_a_gpu_where_it_is_amd_s(tmp_path: Path) -> None:
    radeon = hosts.device("0000:05:00.0", "0x1002", "0x74a1", "0x120000")  # MI300X
    npu = hosts.device("0000:00:0b.0", "0x8086", "0x7d1d", "0x120000")  # Meteor Lake's
    found = look(tmp_path, radeon | npu)["other_gpus"]
    assert [each["device"] for each in found] == ["0x74a1"]


def test_a_gpu_that_is_newer_than_the_table_has_no_generation(tmp_path: Path) -> None:
    (found,) = look(tmp_path, gpu("0x7fff"))["gpus"]
    assert (found["chip"], found["generation"], found["compute_capability"]) == ("", "", "")


PCI_IDS = """# 2025.06.09
10dd  Endura Technologies
\t2684  Another's [Not This]
10de  NVIDIA Corporation
\t2684  AD102 [GeForce RTX 4090]
\t\t10de 16f4  A board [Founders]
\t2204  GA102
10df  Emulex Corporation
\t2b85  Another's [Nor This]
"""


@pytest.mark.parametrize(
    ("device", "name"), [("0x2684", "GeForce RTX 4090"), ("0x2204", ""), ("0x2b85", "")]
)
def test_a_gpu_s_name_is_nvidia_s_own_in_the_host_s_list(
    tmp_path: Path, device: str, name: str
) -> None:
    (found,) = look(tmp_path, gpu(device) | {"usr/share/misc/pci.ids": PCI_IDS})["gpus"]
    assert found["name"] == name


def test_a_laptop_has_its_two_gpus(tmp_path: Path) -> None:
    chassis = {"sys/class/dmi/id/chassis_type": "10\n"}
    found = look(tmp_path, hosts.WITH_GPU | chassis)
    assert found["laptop"] is True
    assert (len(found["gpus"]), len(found["other_gpus"])) == (1, 1)


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        (".dockerenv", "docker"),
        ("run/.containerenv", "podman"),
        ("run/secrets/kubernetes.io/serviceaccount/namespace", "kubernetes"),
    ],
)
def test_a_container_is_known_by_its_mark(tmp_path: Path, mark: str, name: str) -> None:
    assert look(tmp_path, {mark: ""})["container"] == name


LEDGERS = "var/lib/grindstone/ledger"


@pytest.mark.parametrize(
    ("ledgers", "owned"),
    [
        pytest.param({}, {"open": [], "packages": []}, id="none"),
        pytest.param(
            {"cuda.json": "{"}, {"open": ["cuda"], "packages": []}, id="half written counts as open"
        ),
        pytest.param({"cuda.json": '{"a": {}'}, {"open": ["cuda"], "packages": []}, id="cut at }"),
        pytest.param({"cuda.json": "[]"}, {"open": ["cuda"], "packages": []}, id="no ledger"),
        pytest.param(
            {".cuda.json.k2x9": '{"state": "open"}'},
            {"open": [], "packages": []},
            id="not in place",
        ),
        pytest.param(
            {
                "nvidia_driver.json": '{"state": "open", "packages": {"bash": {}}, "files": {}}',
                "cuda.json": '{"state": "closed", "added": ["cuda-toolkit-12-5"], "seen": {}}',
                "python.json": '{"state": "open", "added": ["python3-venv"]}',  # a second run
            },
            {
                "open": ["nvidia_driver", "python"],
                "packages": ["cuda-toolkit-12-5", "python3-venv"],
            },
            id="three",
        ),
    ],
)
def test_what_grindstone_owns_is_what_its_ledgers_say(
    tmp_path: Path, ledgers: dict[str, str], owned: dict[str, list[str]]
) -> None:
    host = {f"{LEDGERS}/{name}": said for name, said in ledgers.items()}
    assert look(tmp_path, host)["owned"] == {**owned, "prefixes": []}


def test_a_ledger_that_host_ledger_writes_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_ledger, "ROOT", tmp_path)
    monkeypatch.setattr(host_ledger, "LEDGERS", tmp_path / LEDGERS)
    hosts.write(tmp_path, hosts.DEBIAN_12 | hosts.debs("bash 5.2"))
    host_ledger.Ledger("cuda", True).opened([])
    assert gpu_info.owned(tmp_path)["open"] == ["cuda"]
    hosts.write(tmp_path, hosts.debs("bash 5.2", "libcudnn9-cuda-12 9.3.0.75-1"))
    host_ledger.Ledger("cuda", True).closed()
    owned = gpu_info.owned(tmp_path)
    assert (owned["open"], owned["packages"]) == ([], ["libcudnn9-cuda-12"])


@pytest.mark.parametrize(
    ("file", "said", "path"),
    [
        ("etc/environment", 'LD_LIBRARY_PATH="/usr/local/cuda/lib64"\n', "/usr/local/cuda/lib64"),
        (
            "etc/profile.d/cuda.sh",
            "export LD_LIBRARY_PATH=/opt/cuda/lib64:$LD_LIBRARY_PATH\n",
            "/opt/cuda/lib64:$LD_LIBRARY_PATH",
        ),
        ("etc/profile.d/cuda.sh", "# LD_LIBRARY_PATH=/usr/local/cuda/lib64\n", ""),
        ("etc/profile.d/cuda.sh", "export PATH=/usr/local/cuda/bin\n", ""),
        ("etc/ld.so.conf.d/000_cuda.conf", "/usr/local/cuda/lib64\n", "/usr/local/cuda/lib64"),
        ("etc/ld.so.conf.d/libc.conf", "# cuda\n/usr/local/lib\n", ""),
    ],
)
def test_settings_that_lead_to_another_cuda_are_told_with_their_file(
    tmp_path: Path, file: str, said: str, path: str
) -> None:
    expected = [{"path": path, "file": f"/{file}"}] if path else []
    assert look(tmp_path, {file: said})["library_path"] == expected


@pytest.mark.parametrize("mark", ["run/reboot-required", "var/run/reboot-required"])
def test_a_reboot_that_the_system_asks_for_is_told(tmp_path: Path, mark: str) -> None:
    assert look(tmp_path / "asked", {mark: ""})["reboot_required"] is True
    assert look(tmp_path / "not", hosts.DEBIAN_12)["reboot_required"] is False


EVERYTHING = hosts.merged(
    hosts.WITH_GPU,
    hosts.kernel("6.8.0-87-generic", headers=True),
    hosts.debs("nvidia-driver-580 580.95.05-0ubuntu1"),
    {
        "proc/driver/nvidia/version": "Kernel Module  580.95.05  x",
        "proc/7/comm": "python3",
        "proc/7/fd/3": "->/dev/nvidia0",
        "etc/default/grub": "GRUB_DEFAULT=saved",
        "boot/grub/grubenv": "saved_entry=x",
        "etc/modprobe.d/a.conf": "blacklist nouveau",
        "etc/environment": "LD_LIBRARY_PATH=/usr/local/cuda/lib64",
        "usr/local/cuda-12.5/version.json": "{}",
        "sys/firmware/efi/efivars/x": "",
        "var/lib/grindstone/ledger/cuda.json": '{"state": "open"}',
        "opt/grindstone/tensorflow/pyvenv.cfg": "version_info = 3.11.2",
    },
)


def test_files_that_are_not_text_are_no_obstacle(tmp_path: Path) -> None:
    hosts.write(tmp_path, EVERYTHING)
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink() and "usr/bin" not in str(path):
            path.write_bytes(b"\xff\xfe\0\x80 \n\n\xc3=\xc3: \n")
    found = gpu_info.look(tmp_path, PREFIX)
    assert found["driver"]["loaded"] == ""


def test_what_may_not_be_read_is_as_if_it_were_not_there() -> None:
    closed = ("boot", "etc/modprobe.d", "var", "proc/7", "opt/grindstone", "etc/environment")
    with tempfile.TemporaryDirectory() as folder:
        root = hosts.write(Path(folder), EVERYTHING)
        root.chmod(0o755)
        for name in closed:
            (root / name).chmod(0)
        with unprivileged():
            found = gpu_info.look(root, PREFIX)
        for name in closed:
            (root / name).chmod(0o755)
    assert found["driver"]["loaded"] == "580.95.05"
    assert found["packages"]["manager"] == ""
    assert (found["processes"], found["library_path"]) == ([], [])
    assert found["owned"] == {"open": [], "packages": [], "prefixes": []}


def test_every_key_of_what_is_found_is_documented(tmp_path: Path) -> None:
    told = yaml.safe_load(gpu_info.RETURN)["found"]["contains"]
    assert set(told) == set(look(tmp_path, EVERYTHING))


def test_looking_changes_nothing(tmp_path: Path) -> None:
    def state() -> list[tuple[str, int, bytes]]:
        return [
            (str(path), path.lstat().st_mtime_ns, b"" if path.is_dir() else path.read_bytes())
            for path in sorted(tmp_path.rglob("*"))
            if path.exists()
        ]

    hosts.write(tmp_path, EVERYTHING)
    before = state()
    gpu_info.look(tmp_path, PREFIX)
    assert state() == before
