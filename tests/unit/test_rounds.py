"""The child's epochs become pytest-benchmark's rounds, in a real pytest with the real plugin."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

_TEST = """
    import json
    import pytest
    from bench.runner.rounds import EpochClock, rounds_of
    from bench.record.timing import EpochTiming

    with open("readings.json") as file:
        READINGS = json.load(file)
    CLOCKS = EpochClock(), EpochClock()

    def epochs(readings):
        for number, (begun, ended) in enumerate(readings, start=1):
            yield EpochTiming(number, begun, ended, images=60000, loss=0.5)

    @pytest.mark.benchmark(timer=CLOCKS[0])
    def test_one(benchmark):
        left = epochs(READINGS)
        rounds_of(benchmark, CLOCKS[0], left, len(READINGS))
        assert next(left, "none left") == "none left"

    @pytest.mark.benchmark(timer=CLOCKS[1])
    def test_another(benchmark):
        left = epochs(READINGS[:3])
        rounds_of(benchmark, CLOCKS[1], left, 3)
        assert next(left, "none left") == "none left"
"""


@pytest.fixture
def readings(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """Begin and end of epochs soon after the start, when a clock's last digit is finest; seed 7."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(_TEST)
    draw, now, made = random.Random(7), 12.5, []
    for _ in range(8):
        begun = now + draw.uniform(0.001, 2.0)  # evaluation, off the clock
        now = begun + draw.uniform(0.0005, 90.0)
        made.append([begun, now])
    Path("readings.json").write_text(json.dumps(made), encoding="utf-8")
    return made


def _run(pytester: pytest.Pytester, *options: str) -> None:
    options = ("-p", "no:cacheprovider", "--benchmark-quiet", *options)
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=2)


def test_pytest_benchmarks_data_are_the_childs_steady_epochs_to_the_last_digit(
    pytester: pytest.Pytester, readings: list[list[float]]
) -> None:
    _run(pytester, "--benchmark-json=out.json")
    document: dict[str, Any] = json.loads(Path("out.json").read_text(encoding="utf-8"))
    stats = {row["name"]: row["stats"] for row in document["benchmarks"]}
    seconds = [ended - begun for begun, ended in readings]
    assert stats["test_one"]["data"] == seconds[1:]
    assert stats["test_another"]["data"] == seconds[1:3]
    assert stats["test_one"]["rounds"] == len(seconds) - 1


@pytest.mark.usefixtures("readings")
def test_without_benchmarking_every_epoch_is_still_waited_for(pytester: pytest.Pytester) -> None:
    _run(pytester, "--benchmark-disable")


_KNOWN = """
    import pytest
    from bench.runner.rounds import EpochClock, rounds_of_seconds

    CLOCK = EpochClock()

    @pytest.mark.benchmark(timer=CLOCK)
    def test_known(benchmark):
        rounds_of_seconds(benchmark, CLOCK, [12.3, 0.25, 7.0])
"""


@pytest.mark.parametrize("options", [(), ("--benchmark-disable",)])
def test_times_that_are_known_already_become_rounds_in_their_order(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(_KNOWN)
    ended = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "--benchmark-json=made.json", *options
    )
    ended.assert_outcomes(passed=1)
    if not options:
        made = json.loads(Path("made.json").read_text(encoding="utf-8"))
        assert made["benchmarks"][0]["stats"]["data"] == [12.3, 0.25, 7.0]
