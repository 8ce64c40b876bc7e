"""Options of the measurements; they are run by name and never by `./run test`."""

from pathlib import Path

import pytest

from tests.bench.measure_noise import RECORDING


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pairs", type=int, default=7, help="how many pairs are measured (default 7)")
    parser.addoption(
        "--trainings", type=int, default=24, help="how many processes are recorded (default 24)"
    )
    parser.addoption("--profile", default="quick", help="how much each of them trains")
    parser.addoption("--recording", type=Path, default=RECORDING, help=f"default: {RECORDING}")
