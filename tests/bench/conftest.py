"""Options of the measurements; they are run by name and never by `./run test`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pairs", type=int, default=7, help="how many pairs are measured (default 7)")
