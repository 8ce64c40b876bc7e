"""Where a wheel is installed: its command `grindstone`, and `pytest --grindstone`.

A wheel has the package in a folder of its own, `grindstone_bench/bench`, so that no other project's
`bench` is hidden, and so that a worker, which runs in that folder under another Python, finds
nothing else there.  This module alone is imported by its long name; it makes the rest importable.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_BENCH = Path(__file__).resolve().parent
_OPTION = "--grindstone"


def main() -> int:
    """The command `grindstone`; its exit status."""
    _make_importable()
    from bench import __main__ as verbs

    return verbs.main()


def _make_importable() -> None:
    """Has `import bench` find this one.

    Raises:
        ImportError: another package of that name is loaded already.
    """
    other = sys.modules.get("bench")
    if other is not None and _BENCH not in map(_folder, getattr(other, "__path__", ())):
        where = getattr(other, "__file__", None) or "a folder of that name"
        raise ImportError(
            f"another package named bench is loaded ({where}); grindstone run has its own"
        )
    if str(_BENCH.parent) not in sys.path:
        sys.path.insert(0, str(_BENCH.parent))


def _folder(name: str) -> Path:
    return Path(name).resolve()


def pytest_addoption(parser: Any) -> None:
    """One option; all others are known only where it is given, so that they are in nobody's way."""
    parser.getgroup("grindstone").addoption(
        _OPTION,
        action="store_true",
        help="benchmark this machine with Grindstone, whose options --help shows with it",
    )


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    """Adds the trainings, whose conftest.py brings the options, to what is collected."""
    chosen = early_config.known_args_namespace
    if not chosen.grindstone or _BENCH in map(_folder, chosen.file_or_dir):
        return
    try:
        _make_importable()
    except ImportError as error:
        import pytest

        raise pytest.UsageError(f"bench: {error}") from None
    args.append(str(_BENCH))
    chosen.file_or_dir.append(str(_BENCH))
