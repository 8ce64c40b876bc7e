"""What does a log of 100 MB cost the doctor, in time and in memory?

    python -m pytest tests/bench/measure_doctor.py -s

And no pattern takes long on a block that is made against it: of its own parts, again and again.
Not part of `./run test`: it holds times.  Three logs, each with one fault in its last line: healthy
ones repeated, lines of which none is like another, and lines that are full of the words of faults.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugins.plugin_utils.gpu_doctor import rows
from plugins.plugin_utils.gpu_doctor.parallel import MOST
from plugins.plugin_utils.gpu_doctor.pattern import Pattern, lowered
from plugins.plugin_utils.gpu_doctor.scan import BLOCK
from tests.unit.doctor import healthy as logs

ROOT = Path(__file__).parents[2]
SIZE = 100_000_000
MOST_SECONDS, MOST_MB, MOST_OF_A_PATTERN = 20, 200, 0.5
FAULT = b"Failed to initialize NVML: Driver/library version mismatch\n"
WORDS = ["nvidia", "driver", "error", "kernel", "module", "version", "failed", "cuda", "library"]


def healthy() -> Iterator[bytes]:
    return logs.pieces(2 * SIZE / 1e6)


def unlike() -> Iterator[bytes]:
    draw = random.Random(20261126)
    while True:
        yield b"".join(
            b"%x %x obj/%x.o\n" % tuple(draw.getrandbits(64) for _ in "123") for _ in range(500)
        )


def words() -> Iterator[bytes]:
    draw = random.Random(20261126)
    known = [each for row in rows.symptoms() for each in row.examples if isinstance(each, str)]
    pool = [word for each in known for word in each.split()] + WORDS
    while True:
        yield "".join(" ".join(draw.choices(pool, k=12)) + "\n" for _ in range(500)).encode()


@pytest.mark.parametrize("log", [healthy, unlike, words], ids=lambda log: log.__name__)
def test_a_log_of_100_mb_is_read_in_20_seconds_and_200_mb(
    log: Callable[[], Iterator[bytes]], tmp_path: Path
) -> None:
    path, size = tmp_path / "log", 0
    with path.open("wb") as file:
        for piece in log():
            size += file.write(piece)
            if size > SIZE:
                break
        file.write(FAULT)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "plugins.plugin_utils.gpu_doctor", "--explain", str(path)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    took = time.perf_counter() - began
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime
    memory = usage.ru_maxrss / 1000 * (1 + MOST)  # the largest is taken for each of them
    print(f"\n{log.__name__}: {took:.1f} s, {spent:.1f} s of CPU, at most {memory:.0f} MB")
    assert done.returncode == 0, done.stderr
    assert "versions differ" in done.stdout.decode()
    assert memory <= MOST_MB
    assert took <= MOST_SECONDS or log is words  # which no log is like: it is the worst there is


def seconds(pattern: Pattern, unit: str) -> float:
    """What a pattern costs on a block of this unit, in s of CPU."""
    text = (unit * (BLOCK // len(unit) + 1))[:BLOCK]
    began = time.process_time()
    assert list(pattern.each(text, lowered(text))) is not None
    return time.process_time() - began


def test_no_pattern_takes_long_on_a_block_made_against_it() -> None:
    every = {
        pattern.text: pattern
        for row in rows.symptoms()
        for pattern in (*row.patterns, *row.with_patterns[0], *row.with_patterns[1])
    }
    cost = {}
    for text, pattern in every.items():
        whole = [*pattern.literals, pattern.lead or pattern.literal]
        units = ["".join(whole), " ".join(whole) + " x1.", "\n".join([*whole, *whole[::-1]]) + "\n"]
        cost[text] = max(seconds(pattern, unit) for unit in units)
    slowest = sorted(cost, key=cost.__getitem__, reverse=True)[:5]
    print("\n" + "\n".join(f"{cost[text]:.3f} s  {text}" for text in slowest))
    assert cost[slowest[0]] <= MOST_OF_A_PATTERN, slowest[0]
