"""Which chip a PCI device id is, by well-known boards and by the list of all."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from plugins.module_utils import gpu_chips
from plugins.module_utils.gpu_chips import RANGES, Chip, of_device
from tests.unit.plans.recorded import MATRIX

LISTS = [Path("/usr/share/misc/pci.ids"), Path("/usr/share/hwdata/pci.ids")]
MADE_OF = "2026.10.24"  # the list's date that the table is made of

# A display device's name begins with its chip's code; these share the id range and are not GPUs.
CODE = re.compile(r"GF1\d\d|G[KMP]\d\d\d|GV100|TU1\d\d|GA1\d\d|AD1\d\d|GH100|GB[12]\d\d|GB20B")
OTHERS = re.compile(r"Audio|USB|UCSI|Serial|Bridge|Switch", re.IGNORECASE)


def listed(pci_ids: str) -> list[tuple[int, str]]:
    """The display devices of a pci.ids, each with its chip's code, in order."""
    since_nvidia = pci_ids.partition("\n10de  ")[2]
    of_nvidia = re.split(r"\n[0-9a-f]{4}  ", since_nvidia)[0]
    found = []
    for number, name in sorted(re.findall(r"^\t([0-9a-f]{4})  (.*)", of_nvidia, re.MULTILINE)):
        code = CODE.match(name)
        if code and not OTHERS.search(name):
            found.append((int(number, 16), code.group()))
    return found


def derived(pci_ids: str) -> tuple[tuple[int, int, str], ...]:
    """The table, made again of a pci.ids: neighbours of one chip are one row."""
    rows: list[tuple[int, int, str]] = []
    for device, code in listed(pci_ids):
        first = rows.pop()[0] if rows and rows[-1][2] == code else device
        rows.append((first, device, code))
    return tuple(rows)


def disagreements(pci_ids: str) -> list[tuple[int, str, str]]:
    """The devices whose chip is another one by the table: the id, the list's, the table's."""
    both = [(device, code, of_device(device).code) for device, code in listed(pci_ids)]
    return [each for each in both if each[1] != each[2]]


def test_the_table_is_made_of_the_list_of_all_pci_devices() -> None:
    found = [path.read_text(encoding="utf-8", errors="replace") for path in LISTS if path.exists()]
    dated = [said for said in found if re.search(rf"Version:\s+{MADE_OF}", said)]
    if not dated:
        pytest.skip(f"no pci.ids of {MADE_OF} here: Debian's package pci.ids 0.0~{MADE_OF}-1")
    assert derived(dated[0]) == RANGES


SOME = """
10de  NVIDIA Corporation
\t1b06  GP102 [GeForce GTX 1080 Ti]
\t1b38  GP104 [another chip's]
\t10ef  GP102 HDMI Audio Controller
\t22d1  GB20B PCI bridge
10df  Emulex Corporation
\t2684  GP102 [another maker's]
"""


def test_a_list_that_says_otherwise_is_noticed() -> None:
    assert derived(SOME) == ((0x1B06, 0x1B06, "GP102"), (0x1B38, 0x1B38, "GP104"))
    assert disagreements(SOME) == [(0x1B38, "GP104", "GP102")]


BOARDS = [
    ("GeForce GTX 480", 0x06C0, "GF100", "Fermi", "2.0"),
    ("Tesla M2050", 0x06DE, "GF100", "Fermi", "2.0"),
    ("GeForce GTX 580", 0x1080, "GF110", "Fermi", "2.0"),
    ("GeForce GTX 560 Ti", 0x1200, "GF114", "Fermi", "2.1"),
    ("GeForce GTX 680", 0x1180, "GK104", "Kepler", "3.0"),
    ("Tesla K40m", 0x1023, "GK110", "Kepler", "3.5"),
    ("Tesla K80", 0x102D, "GK210", "Kepler", "3.7"),
    ("GeForce GT 710", 0x128B, "GK208", "Kepler", "3.5"),
    ("GeForce GTX 750 Ti", 0x1380, "GM107", "Maxwell", "5.0"),
    ("GeForce GTX 980", 0x13C0, "GM204", "Maxwell", "5.2"),
    ("GeForce GTX 980 Ti", 0x17C8, "GM200", "Maxwell", "5.2"),
    ("Tesla P100", 0x15F8, "GP100", "Pascal", "6.0"),
    ("GeForce GTX 1080 Ti", 0x1B06, "GP102", "Pascal", "6.1"),
    ("GeForce GT 1030", 0x1D01, "GP108", "Pascal", "6.1"),
    ("Tesla V100", 0x1DB1, "GV100", "Volta", "7.0"),
    ("Tesla T4", 0x1EB8, "TU104", "Turing", "7.5"),
    ("GeForce RTX 2080", 0x1E82, "TU104", "Turing", "7.5"),
    ("GeForce GTX 1660 Ti", 0x2182, "TU116", "Turing", "7.5"),
    ("A100", 0x20B0, "GA100", "Ampere", "8.0"),
    ("GeForce RTX 3090", 0x2204, "GA102", "Ampere", "8.6"),
    ("A10", 0x2236, "GA102", "Ampere", "8.6"),
    ("GeForce RTX 3060", 0x2503, "GA106", "Ampere", "8.6"),
    ("GeForce RTX 4090", 0x2684, "AD102", "Ada", "8.9"),
    ("L4", 0x27B8, "AD104", "Ada", "8.9"),
    ("L40S", 0x26B9, "AD102", "Ada", "8.9"),
    ("H100", 0x2330, "GH100", "Hopper", "9.0"),
    ("H200", 0x2335, "GH100", "Hopper", "9.0"),
    ("GH200", 0x2342, "GH100", "Hopper", "9.0"),
    ("B200", 0x2901, "GB100", "Blackwell", "10.0"),
    ("B300", 0x3182, "GB110", "Blackwell", "10.3"),
    ("GB300", 0x31C2, "GB110", "Blackwell", "10.3"),
    ("GeForce RTX 5050", 0x2D83, "GB207", "Blackwell", "12.0"),
    ("GeForce RTX 5090", 0x2B85, "GB202", "Blackwell", "12.0"),
    ("GeForce RTX 5070", 0x2F04, "GB205", "Blackwell", "12.0"),
    ("GB10", 0x2E12, "GB20B", "Blackwell", "12.1"),
]


@pytest.mark.parametrize(
    ("device", "code", "generation", "capability"),
    [row[1:] for row in BOARDS],
    ids=[row[0] for row in BOARDS],
)
def test_well_known_boards_have_their_chips(
    device: int, code: str, generation: str, capability: str
) -> None:
    assert of_device(device) == Chip(code, generation, capability)


def test_every_generation_has_a_board_here() -> None:
    boards = {generation for *_, generation, _ in BOARDS if generation}
    assert boards == set(gpu_chips.GENERATIONS.values())


@pytest.mark.parametrize(
    "device",
    [
        pytest.param(0x0020, id="RIVA TNT"),
        pytest.param(0x0191, id="GeForce 8800 GTX"),
        pytest.param(0x05E1, id="GeForce GTX 280"),
        pytest.param(0x0A65, id="GeForce 210"),
        pytest.param(0x0CA3, id="GeForce GT 240"),
        pytest.param(0x10C0, id="GeForce 9300 GS"),
        pytest.param(0x06E4, id="GeForce 8400 GS Rev. 2"),
    ],
)
def test_a_board_from_before_fermi_is_told_from_a_new_one(device: int) -> None:
    assert of_device(device).generation == "Tesla"


# 0x3021 is Rubin's GR100, whose ids lie between two of Blackwell's.
@pytest.mark.parametrize("device", [0x2A00, 0x3021, 0x30C0, 0x3380, 0x3A00, 0x7FFF, 0xFFFF])
def test_a_chip_that_is_newer_than_the_table_has_no_generation(device: int) -> None:
    assert of_device(device) == gpu_chips.UNKNOWN


def test_a_board_that_the_list_lacks_is_of_the_chip_beside_it() -> None:
    assert of_device(0x2BBE) == of_device(0x2BBC)


def test_a_board_between_two_chips_of_one_kind_is_of_that_kind() -> None:
    assert of_device(0x1C80) == Chip("", "Pascal", "6.1")  # GP106 or GP107
    assert of_device(0x2600) == Chip("", "Ampere", "")  # GA107 or AD102


def test_rows_are_in_order_and_do_not_overlap() -> None:
    assert all(first <= last for first, last, _ in RANGES)
    assert all(before[1] < after[0] for before, after in pairwise(RANGES))


def test_every_chip_has_a_generation_and_a_compute_capability() -> None:
    for _, _, code in RANGES:
        chip = gpu_chips.named(code)
        assert chip.generation, code
        # GB120 is on the list, and nowhere else yet.
        assert re.fullmatch(r"\d+\.\d" if code != "GB120" else "", chip.capability), code


def test_the_resolver_knows_every_generation_of_the_table() -> None:
    known = {row.name: row for row in MATRIX.generations}
    generations = {*gpu_chips.GENERATIONS.values(), gpu_chips.BEFORE_FERMI.generation}
    assert generations == set(known)
    assert known["Tesla"].last == "340"
