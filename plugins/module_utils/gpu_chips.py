"""Which chip is that?  NVIDIA's PCI device ids -> chip, generation, compute capability.

So a GPU is known where no driver is loaded and the host's own pci.ids is old.  The ranges hold the
display devices of pci.ids 2026.10.24 up to Blackwell, one row for neighbours of one chip; the test
derives them again.  What is newer than the table has no generation, "".
"""

from __future__ import annotations

from typing import NamedTuple


class Chip(NamedTuple):
    """code: such as "AD102"; generation: such as "Ada"; capability: such as "8.9"; or ""."""

    code: str
    generation: str
    capability: str


UNKNOWN = Chip("", "", "")  # newer than this table
BEFORE_FERMI = Chip("", "Tesla", "1.x")
TEGRA = "Tegra"  # the GPU of a Jetson, which is on the PCI bus from Thor on
TEGRA_BLOCKS = (0x2B00, 0x3400)
G98 = (0x06E0, 0x06FF)  # from before Fermi, amid its ids
FIRST = 0x06C0  # Fermi's first; below it, and between the rows up to 0x1040, are older chips
FIRST_BLACKWELL = 0x2900  # from here on, Rubin's chips lie between Blackwell's

# First id, last id, chip.
RANGES = (
    (0x06C0, 0x06DF, "GF100"),
    (0x0DC0, 0x0DDA, "GF106"),
    (0x0DE0, 0x0DFC, "GF108"),
    (0x0E22, 0x0E3B, "GF104"),
    (0x0F00, 0x0F06, "GF108"),
    (0x0FC0, 0x0FFF, "GK107"),
    (0x1001, 0x1023, "GK110"),
    (0x1024, 0x1024, "GK180"),
    (0x1026, 0x102A, "GK110"),
    (0x102D, 0x102D, "GK210"),
    (0x102E, 0x103F, "GK110"),
    (0x1040, 0x107D, "GF119"),
    (0x1080, 0x1096, "GF110"),
    (0x109A, 0x109B, "GF100"),
    (0x1140, 0x1140, "GF117"),
    (0x1180, 0x11BF, "GK104"),
    (0x11C0, 0x11FF, "GK106"),
    (0x1200, 0x1213, "GF114"),
    (0x1241, 0x1251, "GF116"),
    (0x1280, 0x12BA, "GK208"),
    (0x130B, 0x130B, "GK110"),
    (0x1340, 0x137D, "GM108"),
    (0x1380, 0x139D, "GM107"),
    (0x13AD, 0x13AE, "GM204"),
    (0x13B0, 0x13BD, "GM107"),
    (0x13BE, 0x13FB, "GM204"),
    (0x1401, 0x1436, "GM206"),
    (0x15C2, 0x15FF, "GP100"),
    (0x1613, 0x1676, "GM204"),
    (0x1725, 0x172F, "GP100"),
    (0x174D, 0x174E, "GM108"),
    (0x1789, 0x179C, "GM107"),
    (0x17C2, 0x17FD, "GM200"),
    (0x1B00, 0x1B78, "GP102"),
    (0x1B80, 0x1BE1, "GP104"),
    (0x1C00, 0x1C70, "GP106"),
    (0x1C81, 0x1CFB, "GP107"),
    (0x1D01, 0x1D56, "GP108"),
    (0x1D81, 0x1DF6, "GV100"),
    (0x1E02, 0x1E78, "TU102"),
    (0x1E81, 0x1EF5, "TU104"),
    (0x1F02, 0x1F76, "TU106"),
    (0x1F81, 0x1FF9, "TU117"),
    (0x2080, 0x20FF, "GA100"),
    (0x2182, 0x21D1, "TU116"),
    (0x2200, 0x223F, "GA102"),
    (0x2302, 0x23F0, "GH100"),
    (0x2414, 0x2460, "GA103"),
    (0x2480, 0x24FA, "GA104"),
    (0x2501, 0x2571, "GA106"),
    (0x2582, 0x25FB, "GA107"),
    (0x2681, 0x26F5, "AD102"),
    (0x2702, 0x2770, "AD103"),
    (0x2782, 0x27FB, "AD104"),
    (0x2803, 0x2878, "AD106"),
    (0x2882, 0x28F8, "AD107"),
    (0x2900, 0x297E, "GB100"),
    (0x2980, 0x29F1, "GB102"),
    (0x2B85, 0x2BBC, "GB202"),
    (0x2C02, 0x2C79, "GB203"),
    (0x2D04, 0x2D79, "GB206"),
    (0x2D83, 0x2DF9, "GB207"),
    (0x2E02, 0x2E2A, "GB20B"),
    (0x2F04, 0x2F58, "GB205"),
    (0x3180, 0x31FE, "GB110"),
    (0x3200, 0x323E, "GB112"),
    (0x3340, 0x3340, "GB120"),
)

# By the start of the chip's code, the longest that fits.  Source: "CUDA GPUs" and "Compute
# capabilities" on developer.nvidia.com and in the CUDA C++ programming guide.
CAPABILITIES = {
    "GF100": "2.0",
    "GF110": "2.0",
    "GF": "2.1",
    "GK": "3.0",
    "GK110": "3.5",
    "GK180": "3.5",
    "GK208": "3.5",
    "GK210": "3.7",
    "GM1": "5.0",
    "GM2": "5.2",
    "GP100": "6.0",
    "GP": "6.1",
    "GV100": "7.0",
    "TU": "7.5",
    "GA100": "8.0",
    "GA": "8.6",
    "AD": "8.9",
    "GH": "9.0",
    "GB100": "10.0",
    "GB102": "10.0",
    "GB110": "10.3",
    "GB112": "10.3",
    "GB2": "12.0",
    "GB20B": "12.1",
}
GENERATIONS = {
    "GF": "Fermi",
    "GK": "Kepler",
    "GM": "Maxwell",
    "GP": "Pascal",
    "GV": "Volta",
    "TU": "Turing",
    "GA": "Ampere",
    "AD": "Ada",
    "GH": "Hopper",
    "GB": "Blackwell",
}
BLOCK = 0x40  # NVIDIA gives a chip its ids by whole blocks of this size, or larger ones


def named(code: str) -> Chip:
    """The chip of that code.

    >>> named("AD102")
    Chip(code='AD102', generation='Ada', capability='8.9')
    """
    starts = [start for start in CAPABILITIES if code.startswith(start)]
    return Chip(
        code, GENERATIONS.get(code[:2], ""), CAPABILITIES[max(starts, key=len)] if starts else ""
    )


def of_device(device: int) -> Chip:
    """The chip behind a PCI device id.

    An id that the table lacks is of the chip whose ids end before it in the same block; one from
    Blackwell's first on that is in no such block is of a chip newer than the table: `UNKNOWN`.
    """
    if device // BLOCK in [first // BLOCK for first in TEGRA_BLOCKS]:
        return Chip(TEGRA, "", "")
    if G98[0] <= device <= G98[1]:
        return BEFORE_FERMI
    below = None
    for first, last, code in RANGES:
        if first <= device <= last:
            return named(code)
        if last < device:
            below = (last, code)
    if below and below[0] // BLOCK == device // BLOCK:
        return named(below[1])
    if device < FIRST or (below and below[1].startswith("GF") and device < 0x1200):
        return BEFORE_FERMI
    if device >= FIRST_BLACKWELL or below is None:
        return UNKNOWN
    # Between two rows: of the generation before it, and as capable where the rows agree.
    above = next(row[2] for row in RANGES if row[0] > device)
    before, after = named(below[1]), named(above)
    agreed = before.capability == after.capability
    return Chip("", before.generation, before.capability if agreed else "")
