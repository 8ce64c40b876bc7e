"""Other plugins of pytest: which would falsify a run, and which options do nothing here.

Each refusal is one line, before anything is trained.  A plugin is known by its options, whichever
way it was loaded and wherever the option was written.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import inspect
import os
import re
import shlex
import warnings
from collections.abc import Generator, Iterator
from typing import Any, NoReturn

import pytest

from bench.errors import GrindstoneError, shown, unforeseen
from bench.invocation import COMMAND
from bench.runner import paths

_ONE_PROCESS = "trainings that run at the same time slow each other"
_OWN_PROCESS = "what a test's own process has trained would be lost"
_TWICE = "every row would be trained several times as one and the same repeat"
_RESULT = "leave it out: a failure is a result"

# Each: the attribute that the option sets, the option, its plugin, what is wrong, what to do.
_REFUSED = (
    ("parallel_threads", "--parallel-threads", "pytest-run-parallel", _ONE_PROCESS, "leave it out"),
    ("workers", "--workers", "pytest-parallel", _ONE_PROCESS, "leave it out"),
    ("tests_per_worker", "--tests-per-worker", "pytest-parallel", _ONE_PROCESS, "leave it out"),
    ("looponfail", "--looponfail", "pytest-xdist", "it trains again and again", "leave it out"),
    ("forked", "--forked", "pytest-forked", _OWN_PROCESS, "leave it out"),
    ("boxed", "--boxed", "pytest-xdist", _OWN_PROCESS, "leave it out"),
    ("isolate", "--isolate", "pytest-isolate", _OWN_PROCESS, "leave it out"),
    ("count", "--count", "pytest-repeat", _TWICE, "take --processes, a fresh process each"),
    ("flake_finder_enable", "--flake-finder", "pytest-flakefinder", _TWICE, "take --processes"),
    ("loop", "--loop", "pytest-loop", _TWICE, "take --processes"),
    *(
        (unit, f"--{unit}", "pytest-stress or pytest-loop", _TWICE, "take --processes")
        for unit in ("seconds", "minutes", "hours")
    ),
    ("reruns", "--reruns", "pytest-rerunfailures", _TWICE, _RESULT),
    ("force_reruns", "--force-reruns", "pytest-rerunfailures", _TWICE, _RESULT),
    ("retries", "--retries", "pytest-retry", _TWICE, _RESULT),
)
# What changes nothing; `1` only where it counts all, and not what is done once more.
_HARMLESS = ("None", "False", "0", "0.0", "")
_TIMES = ("parallel_threads", "workers", "tests_per_worker", "count", "loop")
# These may be set in a project's settings as well, by the same name.
_IN_SETTINGS = ("reruns", "retries")

# Options of pytest-benchmark that are about calling a function again and again.
_WITHOUT_EFFECT = (
    *("--benchmark-min-time", "--benchmark-max-time", "--benchmark-min-rounds"),
    *("--benchmark-timer", "--benchmark-calibration-precision", "--benchmark-warmup"),
    *("--benchmark-warmup-iterations", "--benchmark-disable-gc", "--benchmark-cprofile"),
    *("--benchmark-cprofile-loops", "--benchmark-cprofile-top", "--benchmark-cprofile-dump"),
)


def check(config: pytest.Config) -> None:
    """Refuses what would make a run wrong.

    Raises:
        GrindstoneError: something is loaded or asked for that times cannot be right with.
    """
    option = config.option
    if not hasattr(option, "benchmark_skip"):
        raise GrindstoneError(
            "pytest-benchmark is not loaded, and the times go there (-p no:benchmark or "
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD is set): leave that out, or add "
            "-p pytest_benchmark.plugin"
        )
    if not hasattr(option, "verbose"):
        raise GrindstoneError(
            "-p no:terminal takes away what prints the results: leave it out; -q prints less"
        )
    asked_of_codspeed = "CODSPEED_ENV" in os.environ and hasattr(option, "codspeed")
    if getattr(option, "codspeed", False) or asked_of_codspeed:
        raise GrindstoneError(
            "pytest-codspeed takes the times itself, and a training's are a worker's: leave "
            "--codspeed out, or add -p no:codspeed"
        )
    distributed = getattr(option, "dist", "no") != "no" and getattr(option, "tx", None)
    if distributed or hasattr(config, "workerinput"):
        raise GrindstoneError(f"-n of pytest-xdist: {_ONE_PROCESS}; leave it out, or add -n 0")
    for attribute, name, plugin, wrong, instead in _REFUSED:
        value = _value(config, attribute)
        harmless = (*_HARMLESS, "1") if attribute in _TIMES else _HARMLESS
        if value is True or str(value) not in harmless:
            raise GrindstoneError(f"{name} of {plugin}: {wrong}; {instead}")
    if option.benchmark_histogram and importlib.util.find_spec("pygal") is None:
        raise GrindstoneError(
            "--benchmark-histogram needs pygal, which is not installed: "
            "pip install 'pytest-benchmark[histogram]', or leave it out"
        )
    _check_places(option)


def _check_places(option: argparse.Namespace) -> None:
    """Refuses a file that another plugin could not write once all is trained."""
    for attribute, name in (("benchmark_json", "--benchmark-json"), ("xmlpath", "--junitxml")):
        if named := getattr(option, attribute, None):  # -p no:junitxml
            file = paths.from_here(name, named)
            if file.is_dir():
                raise GrindstoneError(f"{name} {file} is a folder; name a file in it")
            paths.folder(name, file.parent)
    report = option.benchmark_json
    if report and not report.parent.is_dir():  # pytest-benchmark makes none
        raise GrindstoneError(
            f"--benchmark-json {report}: there is no folder {report.parent}; make it, or name a "
            "file in another one"
        )
    if option.benchmark_save or option.benchmark_autosave:
        storage = option.benchmark_storage
        if not storage.startswith("elasticsearch"):
            paths.folder("--benchmark-storage", storage.removeprefix("file://"))


def _value(config: pytest.Config, attribute: str) -> object:
    """What an option of another plugin is set to, wherever that was done."""
    value: object = getattr(config.option, attribute, None)
    if value is None and attribute in _IN_SETTINGS:
        with contextlib.suppress(ValueError):  # the plugin is not here
            return config.getini(attribute)
    return value


def words(config: pytest.Config) -> list[str]:
    """Every option as it was written: in the settings, in PYTEST_ADDOPTS, on the command line."""
    added = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    return [*config.getini("addopts"), *added, *config.invocation_params.args]


def without_effect(config: pytest.Config) -> list[str]:
    """A line that names what was asked of pytest-benchmark and does nothing here, or none."""
    asked = {word.partition("=")[0] for word in words(config)}
    useless = [name for name in _WITHOUT_EFFECT if name in asked]
    if not useless:
        return []
    it = "does" if len(useless) == 1 else "do"
    named = ", ".join(useless)
    why = "the rounds are a worker's epochs (--profile), and --processes repeats them"
    return [f"{named} {it} nothing here: {why}"]


def quieten(config: pytest.Config) -> None:
    """One table is enough: pytest-benchmark's, and pytest's header, are there where asked for."""
    if not any(word.startswith("--benchmark") for word in words(config)):
        config.option.benchmark_quiet = True
    if config.option.verbose <= 0:
        config.option.no_header = True


def without_unused() -> None:
    """Has pytest-benchmark keep to itself that a training which was interrupted has no times."""
    warnings.filterwarnings("ignore", "Benchmark fixture was not used")


@contextlib.contextmanager
def one_line(config: pytest.Config) -> Generator[None]:
    """Has whatever goes wrong in the block told in one line; all of it with --full-trace."""
    try:
        yield
    except GrindstoneError as error:
        raise pytest.UsageError(f"bench: {shown(error)}") from error
    except Exception as error:
        if config.option.fulltrace:
            raise
        told = f"bench: {unforeseen(error)}; --full-trace shows where it comes from"
        raise pytest.UsageError(told) from error


def usage_in_one_line(parser: pytest.Parser) -> None:
    """Has an option that is wrong told as every mistake, and not below pytest's own usage."""

    def error(message: str) -> NoReturn:
        raise pytest.UsageError(f"bench: {message}; `{COMMAND} run --help` lists the options")

    parser.optparser.error = error  # type: ignore[method-assign]


@contextlib.contextmanager
def clash(manager: pytest.PytestPluginManager) -> Generator[None]:
    """Says in one line whose option one is that the block adds a second time."""
    try:
        yield
    except (ValueError, argparse.ArgumentError) as error:  # which one, depends on pytest
        (option, *_) = re.findall(r"--[\w-]+", str(error)) or ["an option"]
        owners = sorted(set(_owners(option, manager)))
        who = ", ".join(owners) or "another plugin"
        leave_out = " ".join(f"-p no:{name}" for name in owners) or "-p no:NAME"
        raise pytest.UsageError(
            f"bench: {option} is an option of {who} too; leave that plugin out: {leave_out}"
        ) from error


def _owners(option: str, manager: pytest.PytestPluginManager) -> Iterator[str]:
    """The plugins, but pytest's and ours, whose source has the option's name in it."""
    for name, plugin in manager.list_name_plugin():
        module = getattr(plugin, "__name__", "_pytest")
        if not module.startswith(("_pytest", "bench.")) and option in _source(plugin):
            yield name


def _source(plugin: Any) -> str:
    try:
        return inspect.getsource(plugin)
    except (OSError, TypeError):
        return ""
