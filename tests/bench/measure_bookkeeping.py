"""What does keeping the record cost, and does it stay the same for each training?

    python -m pytest tests/bench/measure_bookkeeping.py -s

Not part of `./run test`: it holds times.  Adds 1,000 trainings to a record, as a long run with many
repeats does, each on the disk before the next one.  Prints the time of each hundred.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

from bench.record import codec
from bench.record.store import RecordFile
from tests.support.records import H100, head, result

TRAININGS, A_PART = 1_000, 100


def test_the_thousandth_training_costs_as_much_as_the_first(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "run.json", head())
    results = [result(device=H100, repeat=number) for number in range(1, TRAININGS + 1)]
    ended, written = [time.perf_counter()], 0
    for number, each in enumerate(results, start=1):
        file.add(each)
        if number % A_PART == 0:
            ended.append(time.perf_counter())
    written = file.journal.stat().st_size
    closing = time.perf_counter()
    file.close()
    closed = time.perf_counter() - closing
    written += file.path.stat().st_size
    took = [after - before for before, after in pairwise(ended)]
    print(f"\n{TRAININGS} trainings: {sum(took):.2f} s, {1e3 * closed:.0f} ms to close")
    print(f"first {A_PART}: {1e3 * took[0]:.0f} ms; last {A_PART}: {1e3 * took[-1]:.0f} ms")
    print(f"written: {written / 1e6:.1f} MB")
    assert len(codec.read(file.path).results) == TRAININGS
