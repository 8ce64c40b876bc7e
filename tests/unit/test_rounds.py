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
    from bench.runner.collection import EpochClock, rounds_of

    with open("seconds.json") as file:
        SECONDS = json.load(file)
    CLOCKS = EpochClock(), EpochClock()

    @pytest.mark.benchmark(timer=CLOCKS[0])
    def test_one(benchmark):
        rounds_of(benchmark, CLOCKS[0], SECONDS)

    @pytest.mark.benchmark(timer=CLOCKS[1])
    def test_another(benchmark):
        rounds_of(benchmark, CLOCKS[1], SECONDS[:2])

    def test_none(benchmark):
        rounds_of(benchmark, CLOCKS[1], [])
"""


@pytest.mark.parametrize("options", [("--benchmark-json=made.json",), ("--benchmark-disable",)])
def test_pytest_benchmarks_data_are_the_childs_times_to_the_last_digit(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(_TEST)
    draw = random.Random(7)
    begins = [draw.uniform(12.5, 900.0) for _ in range(8)]  # a difference has a ragged last digit
    seconds = [begun + draw.uniform(0.0005, 90.0) - begun for begun in begins]
    Path("seconds.json").write_text(json.dumps(seconds), encoding="utf-8")
    ended = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--benchmark-quiet", *options)
    ended.assert_outcomes(passed=3)
    if options == ("--benchmark-json=made.json",):
        made: dict[str, Any] = json.loads(Path("made.json").read_text(encoding="utf-8"))
        data = {row["name"]: row["stats"]["data"] for row in made["benchmarks"]}
        assert data == {"test_one": seconds, "test_another": seconds[:2]}
