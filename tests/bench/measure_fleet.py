"""What do a fleet's table and page cost, and how do they grow with hosts?

    python -m pytest tests/bench/measure_fleet.py -s

Not part of `./run test`: it holds times.  Simulates records of five workloads on a GPU and a CPU,
stock and tuned, reads those of 1, 5, 20 and 500 hosts from a folder, and prints the
processor seconds and the page's size.  What a host costs must not grow with the hosts beside it.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from bench.page.write import of_fleet
from bench.record.head import Device
from bench.record.model import Record
from bench.report.fleet import reading, sheet
from bench.report.fleet.command import text
from bench.report.format import Screen
from bench.workloads import WORKLOADS
from bench.workloads.workload import Mode
from tests.support.records import CPU, H100, machine, record, result, write

HOSTS = (1, 5, 20, 500)
ODD = 7  # one in so many
GROWTH = 3.0


def test_a_host_costs_the_same_beside_twenty_and_beside_five_hundred(tmp_path: Path) -> None:
    shares = {}
    print()
    for count in HOSTS:
        folder = tmp_path / str(count)
        for number in range(count):
            write(folder, f"gpu{number}.json", _simulated(number))
        began = time.process_time()
        fleet = reading.read([str(folder)], folder)
        read = time.process_time()
        made = text(sheet.of(fleet), Screen(200))
        tabled = time.process_time()
        page = folder / "fleet.html"
        page.write_text(of_fleet(fleet), encoding="utf-8")
        ended = time.process_time()
        shares[count] = (tabled - read) / count
        print(
            f"{count:4} hosts: {read - began:6.2f} s to read, {tabled - read:6.2f} s to the table, "
            f"{ended - tabled:6.2f} s to the page of {page.stat().st_size / 1e6:.2f} MB"
        )
        assert len(fleet.members) == count
        assert made.count("gpu") >= count
        if count > 1:
            assert f"{-(-count // ODD)} unlike" in made.splitlines()[0]
    assert shares[500] < GROWTH * shares[20]


def _simulated(number: int) -> Record:
    """A host; one in seven has another driver, and a GPU that is a fifth slower."""
    drawn, odd = random.Random(number), number % ODD == 0
    ways: tuple[tuple[Device, Mode, float], ...] = (
        (CPU, "stock", 1.0),
        (H100, "stock", 0.1),
        (H100, "tuned", 0.03),
    )
    results = []
    for name in WORKLOADS:
        for device, mode, seconds in ways:
            slow = 1.2 if odd and device is H100 else 1.0
            times = [seconds * slow * (1 + drawn.gauss(0, 0.005)) for _ in range(15)]
            results.append(result(name, device, seconds=times, mode=mode))
    driver = "570.86.15" if odd and number else "580.95.05"
    return record(results, machine=machine(driver=driver, host=f"gpu{number}"))
