"""A plan for a machine that is not here: what a person types, and what comes of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugins.module_utils.gpu_chips import of_device
from plugins.modules import gpu_bundle, gpu_info
from plugins.plugin_utils.elsewhere import __main__ as command
from plugins.plugin_utils.elsewhere import names
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from tests.unit import hosts
from tests.unit.plans import recorded
from tests.unit.test_gpu_chips import LISTS, listed

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    """The exit code, and what was said: the plan, and what was wrong."""
    try:
        code = command.main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_plan_comes_first(capsys: Capture) -> None:
    code, told, wrong = run(capsys, "--host", "ubuntu-24.04", "--gpu", "RTX 5090")
    assert (code, wrong) == (0, "")
    first = told.splitlines()[0]
    assert re.match(r"Plan for a fresh Ubuntu 24.04: \d changes \(TensorFlow .*driver 580\)", first)
    assert "GeForce RTX 5090 (Blackwell) at 0000:01:00.0" in told


@pytest.mark.parametrize("system", sorted(recorded.SYSTEMS))
def test_a_fresh_host_is_as_the_recorded_ones_are(system: str, capsys: Capture) -> None:
    fresh = {f"{row.id}-{v}".rstrip("-") for row in recorded.MATRIX.systems for v in row.fresh}
    if system not in fresh:
        pytest.skip("no fresh host of a system's")
    _code, told, _wrong = run(capsys, "--host", system, "--gpu", "T4")
    found = recorded.system(system) | {"gpus": [recorded.gpu("T4", 0)]}
    plan = recorded.outcome(recorded.Recorded("", found, Options()))
    assert not isinstance(plan, str)
    for name in recorded.summary(plan)["packages"].split():
        assert name in told


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--secure-boot", "on"], "the modules are signed by the distribution"),
        (["--desktop"], "nvidia-driver-580-open"),
        (["--driver", "595"], "driver 595"),
        (["--cuda", "none"], "for the CPU, driver 580"),
        (["--nvswitches", "4"], "nvidia-fabricmanager-580"),
        (["--gpu", "GTX 1080 Ti"], "stack pascal"),
    ],
)
def test_what_is_asked_for_is_planned(words: list[str], part: str, capsys: Capture) -> None:
    _code, told, _wrong = run(capsys, "--host", "ubuntu-24.04", "--gpu", "RTX 4090", *words)
    assert part in " ".join(told.split())


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--host", "ubunto-24"], ["--host «ubunto-24»", "ubuntu-24.04"]),
        (["--host", "debian-13", "--gpu", "RTX 5095"], ["«RTX 5095»", "RTX 5090"]),
        (["--host", "debian-13", "--gpu", "RTX"], ["«RTX»", "10de:2684"]),
        (["--host", "debian-13", "--gpu", "RX 7900 XTX"], ["AMD's", "leave --gpu out"]),
        (["--host", "debian-13", "--gpu", "Arc A770"], ["Intel's", "leave --gpu out"]),
        (
            ["--host", "debian-13", "--gpu", "Jetson Orin"],
            ["a Jetson's GPU", "use NVIDIA's TensorFlow for JetPack"],
        ),
        (["--host", "debian-13", "--gpu", "p3.2xlarge"], ["a machine", "name its GPUs"]),
        (["--host", "debian-13", "--gpu", "GeForce 9800 GT"], ["before Fermi", "leave --gpu out"]),
        (["--host", "debian-13", "--gpu", "Radeon RX 580"], ["AMD's", "leave --gpu out"]),
        (["--host", "debian-13", "--gpu", "RTX 1080"], ["«RTX 1080»", "GeForce GTX 1080"]),
        (
            ["--host", "debian-13", "--gpu", "Thor"],
            ["a Jetson's GPU", "use NVIDIA's TensorFlow for JetPack"],
        ),
        (["--host", "debian-13", "--gpu", "Apple M2"], ["Apple's", "leave --gpu out"]),
        (["--host", "debian-13", "--gpu", "none"], ["no GPU", "leave --gpu out"]),
        (["--host", "debian-13", "--gpu", "MIG 1g.10gb"], ["a slice of a GPU (MIG)", "H100"]),
        (["--host", "debian-13", "--gpu", ""], ["«»", "10de:2684"]),
        (["--host", "debian-13", "--gpu", "99 x T4"], ["1 to 16 GPUs", "name fewer"]),
        (["--host", "debian-13", "--gpu", "0 x T4"], ["1 to 16 GPUs", "name one"]),
        (["--host", "debian-13", "--driver", "new"], ["--driver=new", "580"]),
        (["--host", "debian-13", "--cuda", "yes"], ["--cuda=yes", "wheels or system"]),
        (["--host", "debian-13", "--nvswitches=-1"], ["--nvswitches -1", "0 or more"]),
        (["--bundle", "/dev/null"], ["/dev/null (no .tar.gz, or a damaged one)"]),
        (
            ["--bundle", "/nowhere.tar.gz"],
            ["/nowhere.tar.gz (No such file or directory)", "doctor_bundle="],
        ),
        (["--gpu", "T4"], ["--host", "--help"]),
        (["--hst", "debian-13"], ["--help"]),
    ],
)
def test_what_cannot_be_understood_is_one_line_with_what_is_known(
    words: list[str], parts: list[str], capsys: Capture
) -> None:
    code, told, wrong = run(capsys, *words)
    assert (code, told) == (2, "")
    assert wrong.count("\n") == 1
    assert wrong.startswith("run plan: ")
    for part in parts:
        assert part in wrong


def test_a_refusal_is_the_answer_and_no_success(capsys: Capture) -> None:
    code, told, wrong = run(capsys, "--host", "arch", "--gpu", "GTX 1080 Ti")
    assert (code, wrong) == (1, "")
    assert told.startswith("No plan for a fresh Arch: found GeForce GTX 1080 Ti (Pascal)")


def bundle(tmp_path: Path, **files: Any) -> Path:
    path = tmp_path / "report.tar.gz"
    texts = {name.replace("_", "-", 1): told for name, told in files.items()}
    path.write_bytes(
        gpu_bundle.archive(
            {
                f"{name}/found.json": told if isinstance(told, str) else json.dumps(told)
                for name, told in texts.items()
            }
        )
    )
    return path


def test_a_bundle_s_hosts_are_planned(tmp_path: Path, capsys: Capture) -> None:
    found = gpu_info.look(hosts.write(tmp_path / "root", hosts.DEBIAN_12), "/opt/grindstone")
    path = bundle(tmp_path, host_1=found | {"free_mb": 99_000}, host_2=recorded.system("debian-12"))
    code, told, wrong = run(capsys, "--bundle", str(path))
    assert (code, wrong) == (0, "")
    assert re.findall(r"^Plan for (\S+):", told, re.MULTILINE) == ["host-1", "host-2"]
    assert "no NVIDIA GPU found" in told


@pytest.mark.parametrize("content", ["", "[]", "{", '{"gpus": "none"}', "\\xff"])
def test_a_bundle_that_is_damaged_is_one_line(
    tmp_path: Path, content: str, capsys: Capture
) -> None:
    code, told, wrong = run(capsys, "--bundle", str(bundle(tmp_path, host_1=content)))
    assert (code, told, wrong.count("\n")) == (2, "", 1)


def test_a_file_that_is_cut_is_no_bundle(tmp_path: Path, capsys: Capture) -> None:
    path = bundle(tmp_path, host_1=recorded.system("debian-12"))
    whole = path.read_bytes()
    for length in (0, 1, 30, len(whole) // 2):
        path.write_bytes(whole[:length])
        code, _told, wrong = run(capsys, "--bundle", str(path))
        assert (code, wrong.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("said", "device"),
    [
        ("RTX 4090", "0x2684"),
        ("rtx4090", "0x2684"),
        ("GeForce RTX 4090", "0x2684"),
        ("NVIDIA GeForce RTX 3090 Ti", "0x2203"),
        ("3090ti", "0x2203"),
        ("T4", "0x1eb8"),
        ("H100", "0x2336"),
        ("2 x 10de:2684", "0x2684"),
        ("10de:2b85", "0x2b85"),
        ("0x3f00", "0x3f00"),
        ("GB10", "0x2e12"),
        ("RTX 4060 Laptop GPU", "0x28a0"),
        ("rtx4070 laptop", "0x2820"),
        ("RTX 4070", "0x2709"),
        ("A100 80GB", "0x20b2"),
        ("H100 SXM", "0x2330"),
        ("GT 710", "0x128b"),
        ("GTX 750 Ti", "0x1380"),
        ("GT 1030", "0x1d01"),
        ("NVIDIA GeForce RTX 5060 Ti 16GB", "0x2d04"),
        ("NVIDIA H100 80GB HBM3", "0x2330"),
        ("NVIDIA A100-SXM4-40GB", "0x20b0"),
        ("Tesla V100-SXM2-16GB", "0x1db1"),
        ("RTX Pro 6000 Blackwell Workstation Edition", "0x2bb1"),
        ("1080 ti", "0x1b06"),
        ("2 RTX 3090", "0x2204"),
        ("dual 3090", "0x2204"),
        ("two 3090s", "0x2204"),
        ("3090x2", "0x2204"),
        ("titan black", "0x100c"),
        ("A100 x 4", "0x20b3"),
        ("4070TiS", "0x2689"),
        ("4070 ti s", "0x2689"),
        ("RTX 4090D", "0x2685"),
        ("MX 450", "0x1f97"),
        ("rtx titan", "0x1e02"),
        ("NVIDIA H100 NVL", "0x2321"),
        ("GRID K520", "0x118a"),
        ("DGX Spark", "0x2e12"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "0x2330"),
        ("ASUS TUF RTX 4080", "0x2704"),
        ("Gigabyte RTX 5080 Gaming OC 16G", "0x2c02"),
        ("RTX 4090 Founders Edition", "0x2684"),
        ("NVIDIA Quadro RTX 5000 with Max-Q Design", "0x1eb5"),
        ("NVIDIA A100-PG509-200", "0x20b3"),
        ("GB200 NVL72", "0x2941"),
        ("Grace Hopper", "0x2342"),
        ("NVIDIA DGX Spark (GB10)", "0x2e12"),
        ("Tesla K40", "0x1024"),
        ("GTX 965", "0x13d9"),
        ("vGPU T4-4Q", "0x1eb8"),
        ("GRID V100DX-8Q", "0x1db1"),
        ("RTXA6000-48Q", "0x2230"),
        ("A100D-2-20C", "0x20b3"),
    ],
)
def test_a_gpu_is_known_by_the_names_that_people_have_for_it(said: str, device: str) -> None:
    assert names.gpus([said])[0].device == device


COUNTED = {
    "4090/3090": 2,
    "3090; T4": 2,
    "two 3090s": 2,
    "A100 x 4": 4,
    "T4 (8x)": 8,
    "2 4090": 2,
    "RTX 4090 + T4": 2,
    "T4": 1,
}


def test_a_count_may_stand_behind_and_be_a_word() -> None:
    assert [len(names.gpus([said])) for said in COUNTED] == list(COUNTED.values())


@pytest.mark.parametrize("said", ["GRID A100-10C", "NVIDIA A16-4Q", "a40-48q"])
def test_a_share_of_a_gpu_is_a_virtual_one(said: str, capsys: Capture) -> None:
    (gpu,) = names.gpus([said])
    assert (gpu.virtual, gpu.generation) == (True, "Ampere")
    code, told, _wrong = run(capsys, "--host", "ubuntu-24.04", "--gpu", said)
    assert (code, f"{said} (Ampere), a virtual GPU" in " ".join(told.split())) == (1, True)


def test_nvswitches_are_those_that_such_gpus_have(capsys: Capture) -> None:
    for gpu, needs in (("8 x B200", True), ("8 x H100", False)):
        words = ["--host", "ubuntu-24.04", "--gpu", gpu, "--nvswitches", "2"]
        _code, told, _wrong = run(capsys, *words)
        assert "nvidia-fabricmanager-580" in told
        assert ("nvlsm" in told) == needs


@pytest.mark.parametrize(
    ("said", "count", "board"),
    [
        ("8 x H100", 4, "H100 SXM5 80GB"),
        ("8 x A100", 6, "A100 SXM4 40GB"),
        ("16 x A100", 12, "A100 SXM4 40GB"),
        ("8 x H200", 4, "H200 SXM 141GB"),
        ("8 x H20", 4, "H20"),
        ("8 x B200", 2, "B200"),
        ("8 x H100 PCIe", 0, "H100 PCIe"),
        ("8 x H200 NVL", 0, "H200 NVL"),
        ("4 x H100", 0, "H100"),
        ("8 x V100", 0, "Tesla V100 SXM2 16GB"),
        ("8 x RTX 4090", 0, "GeForce RTX 4090"),
        ("8 x GB200", 0, "HGX GB200"),
    ],
)
def test_eight_boards_for_sockets_have_their_nvswitches_and_the_last_line_says_so(
    said: str, count: int, board: str, capsys: Capture
) -> None:
    found = names.gpus([said])
    assert found[0].name == board
    assert len(names.switches(found, None)) == count
    assert names.switches(found, 0) == ()
    _code, told, _wrong = run(capsys, "--host", "ubuntu-24.04", "--gpu", said)
    last = f"taken with the {count} NVSwitches of such boards; --nvswitches 0 is without them"
    assert " ".join(told.split()).endswith(last) == bool(count)
    _code, told, _wrong = run(capsys, "--host", "debian-12", "--gpu", said, "--nvswitches", "0")
    assert "fabricmanager" not in told
    assert "taken with" not in told


def test_a_gpu_that_is_one_part_with_an_arm_processor_is_planned_on_arm(capsys: Capture) -> None:
    for gpu in ("GH200 480GB", "GB200", "GB10"):
        words = ["--host", "ubuntu-24.04", "--gpu", gpu]
        _code, told, _wrong = run(capsys, *words)
        assert "on aarch64, for" in told
        _code, told, _wrong = run(capsys, *words, "--framework", "jax")
        assert "aarch64" in told.splitlines()[1]
        assert told.startswith("Plan for a fresh Ubuntu 24.04: ")


def test_several_gpus_have_slots_of_their_own() -> None:
    for said in (["2 x RTX 4090", "T4"], ["2 x RTX 4090, T4"]):
        found = names.gpus(said)
        assert [gpu.address for gpu in found] == ["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"]
        assert [gpu.display for gpu in found] == [True, True, False]


def test_every_name_is_a_gpu_of_a_known_generation() -> None:
    assert len(names.known()) > 600
    for name, device in names.known().items():
        assert of_device(int(device, 16)).generation, name


def test_the_names_are_those_of_the_list_of_all_pci_devices() -> None:
    found = [path.read_text(encoding="utf-8", errors="replace") for path in LISTS if path.exists()]
    if not found:
        pytest.skip("no pci.ids here: Debian's package pci.ids")
    codes = dict(listed(found[0]))
    for name, device in names.known().items():
        number = int(device, 16)
        assert codes.get(number, of_device(number).code) == of_device(number).code, name


def refusal(said: str) -> str:
    try:
        names.gpus([said])
    except RefusedError as refused:
        return str(refused)
    return ""


@given(said=st.text(max_size=20))
@example(said="1X0")  # of a count and a name the name alone is told
@example(said="DGX")
def test_any_text_is_a_gpu_or_a_refusal(said: str) -> None:
    told = refusal(said)
    named = re.match("found --gpu «(.*)»(?:, [^»]*)?; expected ", told, re.DOTALL)
    assert not told or (named and any(named.group(1) in each for each in said.split(",")))
