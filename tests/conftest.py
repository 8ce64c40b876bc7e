"""What the tests share: the checkout, a Python with TensorFlow, a disk that is soon full."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

# `pytest-benchmark` imports this file where it stands, also without what tests need.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from bench.runner import interpreter
from tests.support import weekly

pytest_plugins = ("pytester",)

ROOT = Path(__file__).resolve().parent.parent
_NOBODY = 65534
PLAN_GB = 13  # no plan asks for more, with a GPU either

with contextlib.suppress(ImportError):
    import hypothesis

    # How long an example takes is the machine's matter: times belong in benchmarks.  Every day has
    # the same examples, so that no change fails by another's fault; the week has new ones.
    hypothesis.settings.register_profile("day", deadline=None, derandomize=True)
    hypothesis.settings.register_profile("week", deadline=None)
    hypothesis.settings.load_profile("week" if weekly.asked() else "day")


def pytest_configure(config: pytest.Config) -> None:
    # A pytest that a test starts is no worker of this one, may benchmark, and has its own options.
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS", "COLUMNS", "LINES"):
        os.environ.pop(name, None)
    config.addinivalue_line("filterwarnings", "error")
    # Raised whenever the collector finds a test's pipe, it would fail a test that did nothing.
    config.addinivalue_line("filterwarnings", "default::ResourceWarning")


# The longest come first, so that no process waits for another at the end.  The machine's one test
# is what all others are done before, so nothing may wait behind it: xdist has the sixth of these
# wait there, which is left out on all days but one of a week.
LONGEST = (
    "vm/test_driver.py",
    "roles/test_driver_debian.py",
    "roles/test_site.py",
    "roles/test_driver.py",
    "roles/test_container.py",
    "vm/test_secure_boot.py",
    "roles/",
    "training/",
    "cuda/",
    "lint/",
)
FOLDERS = ("lint", "unit", "page", "training", "cuda", "roles", "vm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the tests in the order of `LONGEST`, the others after them."""

    def rank(item: pytest.Item) -> int:
        name = item.nodeid.removeprefix("tests/")
        return next((i for i, start in enumerate(LONGEST) if name.startswith(start)), len(LONGEST))

    items.sort(key=rank)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests were run, and what was left out and why."""
    if terminalreporter.config.option.collectonly:
        return
    stats = terminalreporter.stats
    run = [report for name in ("passed", "failed", "error") for report in stats.get(name, [])]
    skipped = Counter(report.longrepr[2] for report in stats.get("skipped", []))
    terminalreporter.section("tests")
    terminalreporter.write_line(f"run: {len({report.nodeid for report in run})}")
    for reason, count in skipped.most_common():
        terminalreporter.write_line(f"skipped: {count}: {reason.removeprefix('Skipped: ')}")
    folders = {report.nodeid.split("/")[1] for report in run if report.nodeid.count("/") > 1}
    missing = [name for name in FOLDERS if name not in folders]
    if missing:
        terminalreporter.write_line(f"left out: {', '.join(missing)}: ./run test --all runs all")


@pytest.fixture(scope="session")
def worker_python() -> Path:
    """An interpreter that has TensorFlow: the running one, else the one that the plan names."""
    if importlib.util.find_spec("tensorflow"):
        return Path(sys.executable)
    planned = interpreter.read_plan()
    if planned is None:
        pytest.skip("the running Python has no TensorFlow, and there is no plan on this host")
    if not planned.interpreter.exists():
        pytest.skip(f"the running Python has no TensorFlow, and {planned.interpreter} is not there")
    return planned.interpreter


@pytest.fixture
def room_for_a_plan(tmp_path: Path) -> None:
    """This machine's own disk, which cannot be pretended to `--check`, has room for TensorFlow."""
    free = shutil.disk_usage(tmp_path).free
    if free < PLAN_GB * 1e9:
        pytest.skip(f"found {free / 1e9:.1f} GB free for temporary files, expected {PLAN_GB} GB")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system small enough to be filled")

    def mount(kib: int) -> Path:
        folder = tmp_path / f"disk-{kib}"
        folder.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
        done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
        return folder

    with ExitStack() as stack:
        yield mount


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions hold in the block, which they do not for root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def heeded_signals() -> Iterator[None]:
    """Has signals do what they do: under nohup, or behind a shell's `&`, some are ignored."""
    usual: dict[int, Any] = {
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ended() -> Callable[[int], bool]:
    """Whether a process has ended, or ends while it is waited for."""

    def ended(pid: int) -> bool:
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([process], [], [], 60.0)[0])
        finally:
            os.close(process)

    return ended
