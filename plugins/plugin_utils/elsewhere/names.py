"""GPUs by the names that people have for them.

gpu_names.csv has them.  The device tells the chip (module_utils/gpu_chips.py).  Where boards of one
name have chips of several generations, as GT 710, the list has the newest.
"""

from __future__ import annotations

import difflib
import re
from functools import cache

from ...module_utils.gpu_chips import of_device
from ...module_utils.host_gpus import MELLANOX, NVIDIA, VIRTUAL, WITH_NVLINK_5
from .. import gpu_names
from ..gpu_stack.options import RefusedError
from ..host_facts import Gpu, Switch

_MAKERS = {"nvidia", "geforce", "quadro", "tesla"}
_CARRIED = {"mobile", "max-q", "laptop", "notebook", "gpu", "embedded", "refresh"}
_SCREENS = re.compile(r"^(GeForce|Quadro|RTX|NVS|TITAN|GT|GTX)\b", re.IGNORECASE)
_COUNTS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<name>\d{4}\w*?)\s*[x×*]\s*(?P<count>\d\d?)",
        r"(?P<count>\d+)\s*[x×*]\s*(?P<name>.+)",
        r"(?P<count>\d\d?)\s+(?P<name>[a-z].+|\d{4}\b.*)",
        r"(?P<count>dual|two|three|quad|four|eight)\s+(?P<name>.+)",
        r"(?P<name>.+\S)\s+\(?[x×*]\s*(?P<count>\d+)\)?",
        r"(?P<name>.+\S)\s+\(?(?P<count>\d+)\s*[x×]\)?",
    )
]
_AND = re.compile(r",|;|/|\+|&|\band\b", re.IGNORECASE)
_IN_WORDS = {"dual": 2, "two": 2, "three": 3, "quad": 4, "four": 4, "eight": 8}
# Spellings of names, in small letters: "RTX5090", "4090Ti", "1660s", "4070 TiS", "4090D", "MX 450".
_SPELLINGS = (
    (r"\brtxa(?=\d)", "rtx a"),
    (r"\bdgx\s+spark\b", "gb10"),
    (r"^(nvidia\s+)?grace[ -]hopper$", "gh200"),
    (r"(?<=\d{4})s\b|(?<=\dti) ?s\b|(?<=\d ti) ?s\b", " super"),
    (r"(?<=\d{4})d\b", " d"),
    (r"(?<=[a-z]{3})(?=\d{3})|(?<=\d{3})(?=ti|super)", " "),
    (r"\bmx\s+(?=\d{3})", "mx"),
    (r"(?<!gtx )\btitan(?= (black|z)\b)", "gtx titan"),
)
# Boards that pci.ids has by another name, or not among those that gpu_names.csv is made of.
_ALSO = {"H100 NVL": "2321", "GRID K1": "0ff2", "GRID K2": "11bf", "GRID K520": "118a"}
# What shops and nvidia-smi write beside a name, besides words that no name has.
_BESIDE = re.compile(r"edition|ac|blackwell|hopper|(sxm|nvl)\d*|g?ddr\d\w?|\d+g|pg\d+")
_SLICE = re.compile(r"\bMIG\b.*|\b\d+g\.\d+gb\b.*", re.IGNORECASE)
# What nvidia-smi and shops say beside a name: where no board is named so, it is left out.
_MEMORY_KIND = re.compile(r"\b(hbm|gddr)\d\w*", re.IGNORECASE)
_MEMORY_SIZE = re.compile(r"\b\d+\s*gb\b", re.IGNORECASE)
_WELL_KNOWN = ("GeForce RTX 5090", "GeForce RTX 4090", "Tesla T4", "H100 PCIe")
_NUMBER = re.compile(r"(?:10de:|0x)?([0-9a-f]{4})", re.IGNORECASE)
_WITH_GRACE = re.compile(r"\bG[BH]\d+\b")
# Boards for sockets (SXM) of these chips come by eight, with so many NVSwitches between them:
# NVIDIA's Fabric Manager user guide, GPU baseboard topologies (HGX A100, H100 and B200).
_ON_HGX = {"GA100": 6, "GH100": 4, "GB100": 2, "GB110": 2}
_EIGHT = 8
_IN_SOCKETS = re.compile(r"SXM|\bH20$|\bH800$")
_IN_SLOTS = re.compile(r"\b(pcie|nvl|cnx)", re.IGNORECASE)
_LEAST = 3  # letters that stand for a longer word, as "sxm" does for "SXM5"
# What is no GPU of NVIDIA's on a PCI bus; what was expected, and what to do.
_OTHERS = (
    "a GPU of NVIDIA's, which TensorFlow's CUDA is for",
    "leave --gpu out for a plan without one",
)
_NO_GPU = (
    (r"\b(amd|radeon|rx|instinct|mi\d{2,3}[a-z]?|firepro|vega)\b", "a GPU of AMD's", *_OTHERS),
    (r"\b(intel|arc|iris|uhd|gaudi)\b", "a GPU of Intel's", *_OTHERS),
    (r"^(none|no( gpus?)?|nothing|cpu( only)?)$", "no GPU", *_OTHERS),
    (r"\bapple\b|^m\d (pro|max|ultra)$", "a GPU of Apple's", *_OTHERS),
    (
        r"\bfx\s*\d{3,4}|\b[6-9]\d00\s*(gtx?|gts|gs|ultra)\b|\b(gtx?|gts)\s*2\d\d\b",
        "a GPU from before Fermi",
        *_OTHERS,
    ),
    (r"\btpu\b", "a TPU of Google's", *_OTHERS),
    (
        r"\b(jetson|tegra|orin|xavier|thor)\b",
        "a Jetson's GPU, which JetPack drives",
        "a PCI GPU, as no wheel is built for a Jetson",
        "use NVIDIA's TensorFlow for JetPack there",
    ),
    (
        r"^[a-z]+\d+[a-z]*(-\w+)?\.\w+$|^standard_\w+$|^[agn]\d-\w+-\w+$|\bdgx\b",
        "a machine",
        "a GPU's name",
        "name its GPUs, as 8 x H100",
    ),
)


def _counted(said: str) -> tuple[int, str]:
    """How many of which: "2 x T4", "dual 3090", "A100 x 4"."""
    found = None if _NUMBER.fullmatch(said) else (each.fullmatch(said) for each in _COUNTS)
    match = next(filter(None, found), None) if found else None
    if match is None:
        return 1, said
    told = match["count"].lower()
    return _IN_WORDS.get(told) or int(told), match["name"]


@cache
def known() -> dict[str, str]:
    """The devices by their names, the first of several."""
    found: dict[str, str] = {}
    for device, name in [*gpu_names.listed(), *((d, name) for name, d in _ALSO.items())]:
        found.setdefault(name, device)
    return found


def gpus(said: list[str]) -> tuple[Gpu, ...]:
    """The GPUs, each in a slot of its own: "RTX 5090", "8 x H100", "10de:2684", "T4, L4".

    Raises:
        RefusedError: no GPU has that name; it says which have one like it.
    """
    found: list[Gpu] = []
    for each in (part for words in said for part in _AND.split(words)):
        count, name = _counted(each.strip())
        if not 1 <= count <= 16:
            advice = "name fewer" if count else "name one, or leave --gpu out"
            raise RefusedError(f"--gpu «{each}»", "1 to 16 GPUs", advice)
        name = _socketed(name) if count >= _EIGHT else name
        found += [_gpu(name, len(found) + number) for number in range(count)]
    return tuple(found)


def architecture(found: tuple[Gpu, ...]) -> str:
    """The one that the GPUs are for: GH200, GB200 and GB10 are one part with an Arm processor."""
    of_grace = [gpu for gpu in found if _WITH_GRACE.search(gpu.name)]
    return "aarch64" if of_grace else "x86_64"


def _socketed(said: str) -> str:
    """The name of the boards for sockets where those for slots have it, too."""
    if _IN_SLOTS.search(said):
        return said
    every = (f"{said} {kind}" for kind in ("sxm5", "sxm4", "sxm"))
    return next((name for name in every if _boards(name)), said)


def switches(found: tuple[Gpu, ...], count: int | None) -> tuple[Switch, ...]:
    """The NVSwitches between the GPUs; count: None for those that such boards have."""
    eights = len(found) // _EIGHT if found and all(map(_in_socket, found)) else 0
    count = eights * _ON_HGX[found[0].chip] if eights and count is None else count or 0
    of_nvlink_5 = any(gpu.chip in WITH_NVLINK_5 for gpu in found)
    return (Switch(vendor=MELLANOX if of_nvlink_5 else NVIDIA),) * count


def _in_socket(gpu: Gpu) -> bool:
    """Whether it is one of several that NVSwitches connect."""
    alone = _WITH_GRACE.search(gpu.name) or _IN_SLOTS.search(gpu.name)
    socket = gpu.chip in WITH_NVLINK_5 or _IN_SOCKETS.search(gpu.name)
    return gpu.chip in _ON_HGX and bool(socket) and not alone


def _gpu(said: str, place: int) -> Gpu:
    whole = _shared(said.strip())
    name, device = _named(whole or said)
    chip = of_device(int(device, 16))
    return Gpu(
        address=f"0000:{place + 1:02x}:00.0",
        device=f"0x{device}",
        chip=chip.code,
        generation=chip.generation,
        compute_capability=chip.capability,
        name=said.strip() if whole else name,
        display=bool(_SCREENS.match(name)) and not whole,
        virtual=bool(whole),
    )


def _shared(said: str) -> str:
    """The GPU that it is a share of, "" for none: "Tesla V100" of "GRID V100DX-8Q"."""
    share = re.search(VIRTUAL.pattern, said, re.IGNORECASE)
    if not share:
        return ""
    whole = re.sub(r"\b(grid|vgpu)\b", "", said[: share.start()], flags=re.IGNORECASE).strip()
    # Their names tell the boards of one GPU apart by letters.
    plain = re.sub(r"(?<=\d)[a-z]{1,2}$", "", whole, flags=re.IGNORECASE)
    return whole if _boards(whole) else plain


def _named(told: str) -> tuple[str, str]:
    said = _SLICE.sub("", told).strip()
    alike = _MEMORY_KIND.sub(" ", said)
    tries = (said, alike, _MEMORY_SIZE.sub(" ", alike), said.lower().removesuffix("s"))
    found = next(filter(None, map(_boards, tries)), None)
    if found:
        return found[0], known()[found[0]]
    number = _NUMBER.fullmatch(said.strip())
    if number:
        return "", number[1].lower()
    for pattern, what, expected, do in _NO_GPU:
        if re.search(pattern, said.strip(), re.IGNORECASE):
            raise RefusedError(f"--gpu «{said}», {what}", expected, do)
    found = _boards(_of_names(said)) or _lettered(said)
    if found:
        return found[0], known()[found[0]]
    if told != said and not said:
        raise RefusedError(
            f"--gpu «{told}», a slice of a GPU (MIG)",
            "the GPU that it is a slice of, which gets the same plan",
            "name that, such as H100",
        )
    raise RefusedError(
        f"--gpu «{told}»",
        "an NVIDIA GPU's name, or its PCI id such as 10de:2684",
        "name one of these: " + ", ".join(_like(_words(said))),
    )


def _of_names(said: str) -> str:
    """A name without its memory and the words that no GPU has: "ASUS TUF RTX 4080 OC 16 GB"."""
    every = {word for name in known() for word in _words(name)}
    alike = _MEMORY_SIZE.sub(" ", re.sub(r"-pg\d+-\d+", "", said.lower()))
    strange = {w for w in _words(alike) if w not in every and re.fullmatch(r"[a-z]{2,}\d?", w)}
    kept = [w for w in _words(alike) if w not in strange and not _BESIDE.fullmatch(w)]
    return " ".join([*kept, *_carried(said)])


def _boards(said: str) -> list[str]:
    """The known names that it may be, the best first."""
    words, carried = _words(said), bool(_carried(said))
    exact = [name for name in known() if sorted(_words(name)) == sorted(words)]
    core = _core(said)
    # Those that have those words: the boards of a desktop before those of a laptop, unless one is
    # asked for, and the shortest first.  A word without a number ("RTX") is a whole line of them.
    has_number = any(re.search(r"\d", word) for word in core)
    longer = [name for name in known() if has_number and _has(_core(name), core)]
    longer.sort(key=lambda name: (bool(_carried(name)) != carried, len(name)))
    return exact or longer


def _lettered(said: str) -> list[str]:
    """The boards whose number has one letter more than is said: K40m of "Tesla K40"."""
    *others, last = _core(said) or [""]
    several = (
        _boards(" ".join([*others, last + letter])) for letter in "abcdefghijklmnopqrstuvwxyz"
    )
    return next(filter(None, several), []) if last[-1:].isdigit() else []


def _has(name: list[str], said: list[str]) -> bool:
    """Whether a name has all words that are said, in any order; words of letters may be cut."""
    rest = list(name)
    for word in said:
        fits = word.isalpha() and len(word) >= _LEAST
        found = next((w for w in rest if w == word or (fits and w.startswith(word))), None)
        if found is None:
            return False
        rest.remove(found)
    return True


@cache
def _words(name: str) -> list[str]:
    spelt = name.lower()
    for pattern, spelling in _SPELLINGS:
        spelt = re.sub(pattern, spelling, spelt)
    words = dict.fromkeys(re.findall(r"[a-z0-9.]+", spelt))
    return [word for word in words if word not in _MAKERS]


@cache
def _core(name: str) -> list[str]:
    """Its words without those of a laptop's: nvidia-smi and pci.ids have different ones."""
    carried = {part for word in _CARRIED for part in word.split("-")}
    return [word for word in _words(name) if word not in carried]


def _carried(name: str) -> set[str]:
    return _CARRIED.intersection(name.lower().split())


def _like(words: list[str]) -> list[str]:
    """The known names that are most like it."""
    said = " ".join(words)
    by_words = {" ".join(_words(name)): name for name in known() if not _carried(name)}
    near = difflib.get_close_matches(said, by_words, n=4, cutoff=0.5)
    model = [word for word in words if re.fullmatch(r"\d{3,4}", word)]
    of_it = [each for each in by_words if set(model) & set(each.split())][:1]  # "RTX 1080"
    return [by_words[each] for each in dict.fromkeys([*of_it, *near])] or list(_WELL_KNOWN)
