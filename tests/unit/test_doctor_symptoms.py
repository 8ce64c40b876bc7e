"""The symptoms' rows against what people paste, and against logs in which nothing is wrong.

Every example of a row is a test, as it is and in the shapes that it is pasted in.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from docs.symptoms import PAGE, anchor, page
from plugins.plugin_utils.gpu_doctor import rows
from plugins.plugin_utils.gpu_doctor.codes import FAMILIES
from plugins.plugin_utils.gpu_doctor.pasted import answer_log, host_of, recognise
from plugins.plugin_utils.gpu_doctor.pattern import REACH, junctions, lowered, words
from plugins.plugin_utils.gpu_doctor.scan import scan
from tests.support import weekly
from tests.unit.doctor import confusion, healthy, shapes

SYMPTOMS, LANGUAGES = rows.symptoms(), rows.languages()
UNKNOWN_HOST = host_of("", rows.knowledge())
TEXTS = [(row, each) for row in SYMPTOMS for each in row.examples if isinstance(each, str)]
CASES = Path(__file__).parents[2].parent / "shared/cases/doctor.json"


def told(text: str) -> list[str]:
    return list(confusion.found(text))


PAIRS = list(shapes.two())
TURNS = 5  # shapes of each example, another for the next


@pytest.mark.parametrize("turn", range(TURNS))
def test_every_example_is_told_first_and_alone_however_it_is_pasted(turn: int) -> None:
    confused: Counter[str] = Counter()
    for number, (row, text) in enumerate(TEXTS):
        shape = shapes.ONE[(number + turn * len(shapes.ONE) // TURNS) % len(shapes.ONE)]
        found = told(shape(text) if turn else text)
        if row.aside:
            assert found == [], text
        elif found != [row.name]:
            told_as = f"{shape.__name__}, told {', '.join(found) or 'nothing'}"
            confused[f"{row.name}: {told_as} for {text[:90]!r}"] += 1
    assert not confused, "\n".join(sorted(confused))


def test_what_is_confused_is_shown_and_little() -> None:
    shown = confusion.table(confusion.corpus())
    print(shown)
    right, unknown, confused = (int(number) for number in re.findall(r"\d+", shown)[:3])
    assert confused <= 0.03 * (right + unknown), shown


# What tells these from their neighbours may be in the other half.
NEIGHBOURS = {"another module's build": "module not built"}
NEIGHBOURS |= {"cuDNN or cuBLAS without memory": "no algorithm of cuDNN's worked"}


def test_half_an_example_is_told_right_or_not_at_all() -> None:
    right, confused = 0, []
    halves = [
        (row, half)
        for row, text in TEXTS
        if not row.aside
        for half in (text[: len(text) // 2], text[len(text) // 2 :])
    ]
    for row, half in halves:
        found = told(half)
        right += found[:1] == [row.name]
        related = {row.name, NEIGHBOURS.get(row.name), *RELATED[row.name]}
        if found and not {*found} & related:
            confused.append(f"{row.name}: told {found} for {half[:90]!r}")
    print(f"{right} of {len(halves)} halves are recognised")
    assert not confused, "\n".join(confused)
    assert right / len(halves) > 0.6


def _related() -> dict[str, set[str]]:
    """The rows that one covers, or that cover it."""
    related: dict[str, set[str]] = {row.name: {*row.covers} for row in SYMPTOMS}
    for row in SYMPTOMS:
        for name in row.covers:
            related[name].add(row.name)
    return related


RELATED = _related()


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    if not CASES.exists():
        pytest.skip("the collected cases are not here")
    collected: list[dict[str, Any]] = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    return collected


def fault(case: dict[str, Any], text: str) -> str:
    """What is wrong with the answer to a case's text, "" for nothing."""
    system = {"debian12": "debian", "arch": "arch"}.get(case["host"], "ubuntu")
    inside = {"wsl": "wsl", "docker": "container", "lxc": "container"}.get(case["host"], "")
    here = host_of("", rows.knowledge(), system, inside)
    found = recognise(text, here, SYMPTOMS, LANGUAGES)
    cause, fix = (found[0].cause, found[0].fix) if found else ("", "")
    right = re.search(case["expected_cause"], cause) and re.search(case["expected_mend"], fix)
    barred = case["must_not"] and any(re.search(case["must_not"], one.fix) for one in found)
    return "" if right and not barred else ", ".join(one.symptom for one in found) or "nothing"


def test_the_collected_cases_are_answered_right_in_every_shape(cases: list[dict[str, Any]]) -> None:
    wrong = [
        f"{case['id']}, {shape.__name__}: {told_as}"
        for case in cases
        for shape in shapes.ONE
        if (told_as := fault(case, shape(case["symptom"])))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_collected_cases_are_answered_right_in_two_shapes_at_once(
    cases: list[dict[str, Any]],
) -> None:
    """Each case in some of the pairs, and each pair in some of the cases."""
    some = 40
    wrong = [
        f"{case['id']}, {name}: {told_as}"
        for number, case in enumerate(cases)
        for name, shape in PAIRS[number % some :: some]
        if (told_as := fault(case, shape(case["symptom"])))
    ]
    assert not wrong, "\n".join(wrong)


# Halves of a case's text that nobody could tell the cause from, and what is told of them: what
# follows from the cause, or nothing.
HALVES = {
    ("gcc-option", 0): "module not built",
    ("other-dkms", 0): "module not built",
    **dict.fromkeys(
        [
            *(("no-devices", 0), ("mirror-sync", 0), ("trt", 0), ("named-symbol", 0)),
            *(("libnvidia-ml", 0), ("sigill", 0), ("no-device-visible", 0)),
            *(("nvrtc", 1), ("glibcxx", 1)),
        ],
        "nothing",
    ),
}


def test_half_a_case_is_answered_right_where_it_tells_the_cause(
    cases: list[dict[str, Any]],
) -> None:
    told_as = {}
    for case in cases:
        text = case["symptom"]
        middle = len(text) // 2
        for half, part in enumerate((text[:middle], text[middle:])):
            told_as[case["id"], half] = fault(case, part)
    assert {key: said for key, said in told_as.items() if said} == HALVES


SILENT = [
    "nvidia-uvm: Loaded the UVM driver, major device number 510.",
    "crw-rw-rw- 1 root root 510, 0 Nov 25 10:00 /dev/nvidia-uvm",
    "nvidia 0000:01:00.0: GSP firmware loaded, booted in 120 ms",
    "DKMS make.log for virtualbox-7.0.16 for kernel 6.8.0-60-generic (x86_64)",
    "modprobe: ERROR: could not insert 'vboxdrv': Key was rejected by service",
    "TF-TRT Warning: Could not find TensorRT\nModuleNotFoundError: transformers not found",
    "CUDA_ERROR_INVALID_HANDLE: invalid resource handle",
    "ERROR: No matching distribution found for tensorflow-text==2.21.0",
    "NVRM: Xid (PCI:0000:01:00): 45, pid=1234, name=python3, Ch 00000010",
    (
        "NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in "
        "name resolution\nERROR: No matching distribution found for tensorflow"
    ),
    "E: Package 'libfoo' has no installation candidate",
    "error: target not found: firefox-nightly",
    "ImportError: numpy is missing",
    "/var/lib/dkms/nvme-strom/1.0/build/nvme_strom.c:12:3: error: unknown type name 'x'",
    "drivers/gpu/drm/nouveau/nvkm/core/gpuobj.c:12:3: error: unknown type name 'x'",
    "ERROR: modpost: GPL-incompatible module zfs.ko uses GPL-only symbol '__rcu_read_lock'",
    "wifi0: version magic '6.8.0-59-generic' should be '6.8.0-60-generic'",
    "error: argument 3 of __builtin_prefetch must be a compile-time constant",
    "Outdated npm installation found, run npm install -g npm",
    "AttributeError: 'str' object has no attribute 'decode'",
    "shuffle_dataset_op.cc:162] Shuffle buffer filled.\nEpoch 2/5",
    "docker: Version tag does not match the manifest",
    "Unknown layer: overlayfs",
    "TypeError: LogisticRegression.fit() got an unexpected keyword argument 'epochs'",
    "for k, v in config.items():\nAttributeError: 'NoneType' object has no attribute 'items'",
    "WARNING: CPU: 3 PID: 1 at drivers/gpu/drm/i915/display/intel_dp.c:100 intel_dp_init+0x10",
    "Quota usage: GPUS_ALL_REGIONS 0.0 of 1.0",
    "Collective all_reduce tensors: 10 all_reduces, num_devices = 2, implementation = NCCL",
    "TensorFloat-32 will be used for the matrix multiplication. This will only be logged once.",
]


@pytest.mark.parametrize("text", SILENT)
def test_what_is_no_fault_of_the_gpu_s_raises_nothing(text: str) -> None:
    assert told(text) == []


def test_megabytes_in_which_nothing_is_wrong_stay_silent() -> None:
    megabytes = 50 if weekly.asked() else 5
    found = answer_log(healthy.pieces(megabytes), UNKNOWN_HOST, SYMPTOMS, LANGUAGES)
    assert found.reading.wrong == ()


def test_no_line_of_a_healthy_log_raises_anything_alone() -> None:
    texts = [healthy.filled(each, turn) for each in healthy.TEMPLATES for turn in (2, 7)]
    for line in {line for text in texts for line in text.splitlines()}:
        wrong = recognise(line, UNKNOWN_HOST, SYMPTOMS, LANGUAGES)
        assert all(each.where.startswith("nowhere") for each in wrong), (line, wrong)


def test_a_log_is_searched_for_the_same_as_a_pasted_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words that are looked for before a pattern is tried stand in all that it matches."""
    monkeypatch.setattr("plugins.plugin_utils.gpu_doctor.scan.MANY", 0)
    for row, text in TEXTS:
        found = scan([b"begin\n", text.encode(), b"\nend\n"], SYMPTOMS, LANGUAGES)
        assert row.name in [each.symptom.name for each in found], text
        for pattern in row.patterns:
            match = pattern.regex.search(text)
            if match:
                assert all(each in lowered(text) for each in pattern.literals)
                assert match.end() - match.start() <= pattern.width
                assert pattern.words <= words(text.encode())
                assert pattern.junctions <= junctions(lowered(text))


UNBOUNDED = re.compile(r"(?<!\\)(?:[*+]|\{\d+,\})")


def test_no_pattern_can_take_for_ever() -> None:
    """No repetition of a repetition, and none without an end."""
    assert all(FAMILIES.values())
    own = ((*row.texts, *row.only_with, *row.not_with) for row in SYMPTOMS)
    for text in (each for texts in (*own, *FAMILIES.values()) for each in texts):
        bare = re.sub(r"\[(?:\\.|[^\]])*\]|\\.", "x", text)
        assert not UNBOUNDED.search(bare), text
        assert not re.search(r"\([^()]*\{\d+,\d+\}[^()]*\)(?:[*+]|\{\d+,[2-9]\d*\})", bare), text
        most = sum(int(number) for number in re.findall(r"\{\d+,(\d+)\}", bare))
        assert most <= REACH, text


def test_a_row_says_where_to_act_and_gives_one_command_first() -> None:
    for row, fix in ((each, fix) for each in SYMPTOMS for fix in each.fixes):
        assert not fix.run.startswith("#"), row.name
        command = fix.run.partition("   #")[0]
        assert command.strip(), row.name
        assert (row.where == "nowhere") == command.startswith("nothing to do"), row.name


def test_the_page_of_symptoms_is_up_to_date() -> None:
    stale = page() != PAGE.read_text(encoding="utf-8")
    assert not stale, "run:  python -m docs.symptoms"
    anchors = [anchor(row.name) for row in SYMPTOMS]
    assert len(set(anchors)) == len(SYMPTOMS)
