"""How long does the page of a full run take, and how large is it?

    python -m pytest tests/bench/measure_page.py -s

Not part of `./run test`: it holds times.  The record has every kind of row, each of 199 epochs.
"""

from __future__ import annotations

import time

from bench.page.write import page
from tests.support import pages

EPOCHS, LONGEST = 199, 3  # s


def test_a_full_run_s_page_is_built_in_three_seconds() -> None:
    record = pages.full(EPOCHS)
    began = time.process_time()
    made = page([(record, None)])
    took = time.process_time() - began
    print(f"\n{took:.2f} s of the processor, {len(made.encode()) / 1e6:.2f} MB")
    assert took < LONGEST
