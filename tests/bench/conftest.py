"""Options of the measurements; they are run by name and never by `./run test`."""

from pathlib import Path

import pytest

_RECORDING = Path(__file__).parent.parent / "unit" / "noise.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pairs", type=int, default=7, help="how many pairs are measured (default 7)")
    parser.addoption("--images", type=int, default=60_000, help="of an epoch (default 60,000)")
    for name, rival in (("--torch-python", "PyTorch"), ("--jax-python", "JAX")):
        parser.addoption(name, type=Path, help=f"a Python that has {rival}, to measure it too")
    parser.addoption(
        "--trainings", type=int, default=40, help="how many processes are recorded (default 40)"
    )
    parser.addoption(
        "--recording", type=Path, default=_RECORDING, help="where to (default: tests/unit)"
    )
