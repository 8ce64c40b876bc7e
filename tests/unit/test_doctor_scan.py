"""A log is read in blocks, and looked at closely where a prefilter says so: the same is found."""

from __future__ import annotations

import itertools
import random

import pytest

from plugins.plugin_utils.gpu_doctor import normalization, rows
from plugins.plugin_utils.gpu_doctor.parallel import CHUNK, LONG, chunks, look_at, scan_log
from plugins.plugin_utils.gpu_doctor.pattern import compiled, junctions, lowered
from plugins.plugin_utils.gpu_doctor.scan import AROUND, BLOCK, Passage, look, scan
from tests.unit.doctor import healthy

SYMPTOMS, LANGUAGES = rows.symptoms(), rows.languages()
HEALTHY = "".join(healthy.filled(each, 7) for each in healthy.TEMPLATES)
PARTS = [HEALTHY[at : at + 2 * AROUND] for at in range(0, len(HEALTHY), 2 * AROUND)]
EXAMPLES = [each for row in SYMPTOMS for each in row.examples if isinstance(each, str)]


def slowly(text: str) -> list[tuple[str, int]]:
    """Every pattern over the whole text."""
    lines = normalization.lines(text, LANGUAGES)
    passage = Passage.of(zip(lines, range(len(lines)), strict=True))
    every = [(row, row.patterns) for row in SYMPTOMS]
    return [(each.symptom.name, each.line) for each in look(passage, every)]


def quickly(text: str) -> list[tuple[str, int]]:
    data = text.encode()
    pieces = [data[at : at + 100_000] for at in range(0, len(data), 100_000)]
    return [(each.symptom.name, each.line) for each in scan(pieces, SYMPTOMS, LANGUAGES)]


@pytest.mark.parametrize("first", range(5))
def test_a_log_shows_what_every_pattern_over_all_of_it_would(first: int) -> None:
    between = itertools.cycle(PARTS)
    text = "".join(f"{next(between)}\n{each}\n" for each in EXAMPLES[first::5])
    quick, slow = dict(quickly(text)), dict(slowly(text))
    assert list(quick) == list(slow)
    # A row's first pattern may stand later than its second, which a block before shows.
    assert all(quick[name] <= slow[name] for name in slow)


@pytest.mark.parametrize("shift", range(0, 200, 20))
def test_what_stands_across_the_end_of_a_block_is_seen(shift: int) -> None:
    """The message across it, and what speaks against the message behind it."""
    filler = "step 1: loss 0.5\n"
    start = filler * ((BLOCK - shift) // len(filler))
    mismatch = "Failed to initialize NVML: Driver/library\nversion mismatch\n"
    assert [name for name, _line in quickly(start + mismatch + filler)] == ["versions differ"]
    memory = "NOT_FOUND: No algorithm worked!\n" + "x\n" * 200 + "CUDNN_STATUS_ALLOC_FAILED\n"
    found = [name for name, _line in quickly(start + memory + filler * 9000)]
    assert found == ["cuDNN or cuBLAS without memory"]


def test_a_line_without_an_end_is_read() -> None:
    text = "x" * (3 * BLOCK) + " CUDA_ERROR_OUT_OF_MEMORY " + "y" * (BLOCK + AROUND)
    assert [name for name, _line in quickly(text)] == ["GPU out of memory"]


@pytest.mark.parametrize(
    ("disguise", "text"),
    [
        ("colours", "\x1b[31mCUDA_ERROR_\x1b[0mOUT_OF_MEMORY"),
        ("colours as they are printed", "^[[31mCUDA_ERROR_OUT_OF_MEMORY^[[0m"),
        ("signs without width", "CUDA_\u200bERROR_OUT_OF_MEM\u00adORY"),
        ("wide letters", "".join(chr(ord(x) + 0xFEE0) for x in "CUDA_ERROR_OUT_OF_MEMORY")),
        ("Markdown's escapes", r"CUDA\_ERROR\_OUT\_OF\_MEMORY"),
    ],
)
def test_disguised_words_are_found_in_a_log(disguise: str, text: str) -> None:
    found = quickly(f"{HEALTHY}\n{text}\n{HEALTHY}")
    assert "GPU out of memory" in [name for name, _line in found], disguise


def test_the_first_match_is_found_however_often_its_literal_stands() -> None:
    pattern = compiled(r"GSP.{0,40}(fail|timeout|error)")
    for text in ("GSP " * 5000 + "fails", "GSP\n" * 9 + "x" * 41 + "fail GSP error", "GSP"):
        found, expected = pattern.find(text, lowered(text)), pattern.regex.search(text)
        assert (found and found.span()) == (expected and expected.span())


def in_chunks(data: bytes, size: int) -> list[tuple[str, int]]:
    """The first of each symptom, where every chunk is looked at by itself."""
    first: dict[str, int] = {}
    for chunk in chunks([data[at : at + 50_000] for at in range(0, len(data), 50_000)], size):
        for each in look_at(chunk, SYMPTOMS, LANGUAGES):
            first.setdefault(each.symptom.name, each.line)
    return [(row.name, first[row.name]) for row in SYMPTOMS if row.name in first]


@pytest.mark.parametrize("seed", range(3))
def test_a_log_in_chunks_shows_what_it_shows_as_a_whole(seed: int) -> None:
    draw = random.Random(seed)
    filler = [f"step {draw.getrandbits(40)}: loss 0.5\n" * draw.randrange(900) for _ in range(40)]
    text = "".join(f"{each}\n{draw.choice(EXAMPLES)}\n" for each in filler)
    assert in_chunks(text.encode(), draw.randrange(20_000, 90_000)) == quickly(text)


@pytest.mark.parametrize("shift", range(0, 120, 8))
def test_what_stands_across_the_end_of_a_chunk_is_told_as_in_one(shift: int) -> None:
    filler = b"x" * 15 + b"\n"
    memory = b"NOT_FOUND: No algorithm worked!\n" + b"x\n" * 20 + b"CUDNN_STATUS_ALLOC_FAILED\n"
    start = filler * (40_000 // 16) + b"y" * shift + b"\n"
    log = start + memory + filler * 5000
    assert in_chunks(log, 40_000) == quickly(log.decode()) != []


def test_several_processes_show_what_one_does() -> None:
    line = b"nothing is wrong in this line of a log\n"
    faults = [b"Failed to initialize NVML: Driver/library version mismatch\n", b"bad argument\n"]
    faults.append(b"RuntimeError: CUDA error: out of memory\n")
    pieces = [line * (CHUNK // len(line)) + fault for fault in faults] * (LONG // CHUNK)
    told = [(each.symptom.name, each.line) for each in scan_log(pieces, SYMPTOMS, LANGUAGES)]
    piece = CHUNK // len(line) + 1
    assert told == [("GPU out of memory", 3 * piece), ("versions differ", piece)]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("no kernel image is available", {"nelima", "ageis", "isava"}),
        ("GPU has fallen", {"gpuhas", "hasfal"}),
        ("to x be", set()),  # either end may be that of a longer word
        ("CUDA_ERROR_UNKNOWN", set()),
    ],
)
def test_a_pattern_knows_how_its_words_follow_each_other(text: str, known: set[str]) -> None:
    assert compiled(text).junctions == known
    for before, after in (("", ""), ("x", "y"), ("an ", " end")):
        assert known <= junctions(lowered(f"{before}{text}{after}"))
