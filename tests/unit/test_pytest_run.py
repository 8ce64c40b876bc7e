"""`pytest bench/` as people run it: with their options, plugins and files, and ended in their ways.

The real command with a worker that only pretends.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import GrindstoneError
from bench.record import codec
from bench.record.model import Failed
from bench.runner import plugins
from tests.conftest import ROOT
from tests.support import bench_command, fake_worker
from tests.support.bench_command import MLP, WORKER, Bench

_HANGS = "begin()\nepoch(1)\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_command.made(tmp_path)


# ---- pytest's own options


def test_the_first_failure_ends_the_run_and_the_next_one_trains_only_that(bench: Bench) -> None:
    ended = bench("-x", where="bench/test_mnist.py")
    assert ended.status == 1
    assert ended.trained == ["mlp", "cnn_simple"]
    shutil.rmtree(ended.results)
    ended = bench("--lf", where="bench/test_mnist.py")
    assert ended.status == 1
    assert ended.trained == ["cnn_simple"]


def test_a_collection_trains_nothing_and_leaves_nothing(bench: Bench) -> None:
    ended = bench("--co", "-q", *MLP)
    assert ended.status == 0
    assert "bench/test_mnist.py::test_mnist[mlp-cpu]" in ended.output
    assert not ended.results.exists()


TABLE = r"mlp +1\.5 s +1\.5 s ± 0 % "


def test_the_table_is_there_however_little_is_asked_for_and_loaded(bench: Bench) -> None:
    without = ("-p", "no:warnings", "-p", "no:junitxml")
    # A pytest-xdist that does nothing is no matter.
    ended = bench("-qq", "-n", "0", *without, *MLP)
    assert ended.status == 0, ended.output
    assert re.search(TABLE, ended.output)


def test_junit_and_pytest_benchmark_have_the_figures_and_no_time_of_what_did_not_learn(
    bench: Bench,
) -> None:
    junit, figures = bench.folder / "junit.xml", bench.folder / "figures.json"
    ended = bench(
        *("-v", "-k", "mlp or cnn_simple", f"--junitxml={junit}", f"--benchmark-json={figures}"),
        "--benchmark-group-by=param:workload",
        where="bench/test_mnist.py",
    )
    assert ended.status == 1
    assert re.search(TABLE, ended.output)
    assert "worker: " in ended.output
    assert "benchmark 'workload=mlp'" in ended.output
    cases = ElementTree.parse(junit).iter("testcase")
    told = {
        case.get("name"): {each.get("name"): each.get("value") for each in case.iter("property")}
        for case in cases
    }
    assert told["test_mnist[mlp-cpu]"] == {
        "verdict": "OK",
        "median_epoch_seconds": "1.5",
        "images_per_second": "40000.0",
        "accuracy": "0.9",
    }
    assert told["test_mnist[cnn_simple-cpu]"]["verdict"] == "BELOW-FLOOR"
    rows = json.loads(figures.read_text(encoding="utf-8"))["benchmarks"]
    assert [row["name"] for row in rows] == ["test_mnist[mlp-cpu]"]
    assert rows[0]["params"] == {"workload": "mlp", "device": "cpu", "way": "stock"}


def test_options_in_the_environment_count_and_what_does_nothing_is_named(bench: Bench) -> None:
    ended = bench(*MLP, PYTEST_ADDOPTS="-q --benchmark-min-rounds=9 --benchmark-warmup=on")
    assert ended.status == 0
    assert re.search(TABLE, ended.output)
    told = "--benchmark-min-rounds, --benchmark-warmup do nothing here: the rounds are a worker's"
    assert told in ended.output


def test_a_project_around_the_checkout_does_not_reach_into_it(bench: Bench, tmp_path: Path) -> None:
    project = tmp_path / "project"
    checkout = project / "grind* $HOME:stone"
    shutil.copytree(ROOT / "bench", checkout / "bench", ignore=shutil.ignore_patterns("__pyc*"))
    shutil.copy(ROOT / "pyproject.toml", checkout)
    (project / "conftest.py").write_text("raise RuntimeError('not yours')", encoding="utf-8")
    (project / "pytest.ini").write_text("[pytest]\naddopts = -n 2\n", encoding="utf-8")
    (project / "keras.py").write_text("raise RuntimeError('not yours')", encoding="utf-8")
    bench.worker = fake_worker.write(bench.folder, f"tell(cwd=os.getcwd())\n{WORKER}")
    ended = bench(*MLP, where=str(checkout / "bench"), cwd=project)
    assert ended.status == 0, ended.output
    assert ended.trained == ["mlp"]
    assert json.loads(Path(f"{bench.worker}.json").read_text())["cwd"] == str(checkout)


# ---- other people's plugins


def test_xdist_is_refused_in_one_line_before_anything_is_trained(bench: Bench) -> None:
    line = bench("-n", "2", *MLP).one_line
    assert line.startswith("ERROR: bench: -n of pytest-xdist: trainings that run at the same time")


def _config(settings: Any = None, **options: object) -> Any:
    option = SimpleNamespace(benchmark_skip=False, benchmark_histogram=None, verbose=0)
    option.benchmark_save = option.benchmark_autosave = option.benchmark_json = None
    vars(option).update(options)

    def getini(name: str) -> object:
        if name not in (settings or {}):
            raise ValueError(f"unknown configuration value: {name!r}")
        return (settings or {})[name]

    return SimpleNamespace(option=option, getini=getini)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("forked", True, "--forked of pytest-forked: "),
        ("count", 3, "--count of pytest-repeat: .* take --processes"),
        ("reruns", 1, "--reruns of pytest-rerunfailures: "),
        ("force_reruns", 2, "--force-reruns of pytest-rerunfailures: "),
        ("retries", 1, "--retries of pytest-retry: "),
        ("loop", 3, "--loop of pytest-loop: .* take --processes"),
        ("minutes", 45, "--minutes of pytest-stress or pytest-loop: "),
        ("parallel_threads", "2", "--parallel-threads of pytest-run-parallel: "),
        ("workers", "auto", "--workers of pytest-parallel: "),
        ("looponfail", True, "--looponfail of pytest-xdist: "),
        ("codspeed", True, "pytest-codspeed takes the times itself"),
    ],
)
def test_what_would_train_twice_at_once_or_in_vain_is_refused_by_name(
    option: str, value: object, told: str
) -> None:
    with pytest.raises(GrindstoneError, match=rf"^{told}") as refused:
        plugins.check(_config(**{option: value}))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        *({}, {"count": 1}, {"reruns": 0}, {"dist": "no", "tx": []}, {"codspeed": False}),
        *({"retries": None}, {"seconds": 0, "minutes": 0.0, "hours": 0}, {"loop": 1}),
    ],
)
def test_a_plugin_that_is_only_installed_is_not_refused(options: dict[str, object]) -> None:
    assert plugins.check(_config(**options)) is None  # type: ignore[func-returns-value]


def test_a_project_s_settings_count_as_its_options_do() -> None:
    with pytest.raises(GrindstoneError, match="--reruns of pytest-rerunfailures"):
        plugins.check(_config({"reruns": "2"}, reruns=None))
    assert plugins.check(_config({"retries": "0"})) is None  # type: ignore[func-returns-value]


def test_codspeed_takes_over_by_its_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODSPEED_ENV", "1")
    with pytest.raises(GrindstoneError, match="-p no:codspeed"):
        plugins.check(_config(codspeed=False))


@pytest.mark.parametrize(
    "how", [{"options": ("-p", "no:benchmark")}, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}]
)
def test_without_pytest_benchmark_it_says_so(bench: Bench, how: dict[str, Any]) -> None:
    line = bench(*MLP, *how.pop("options", ()), **how).one_line
    assert "pytest-benchmark is not loaded" in line


def test_without_pytests_reporter_nobody_would_see_the_results(bench: Bench) -> None:
    assert "-p no:terminal takes away what prints" in bench(*MLP, "-p", "no:terminal").one_line


def test_a_histogram_that_cannot_be_drawn_is_told_before_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    config = _config()
    config.option.benchmark_histogram = [None]
    with pytest.raises(GrindstoneError, match="needs pygal, which is not installed"):
        plugins.check(config)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"benchmark_json": Path("none/a.json")}, "^--benchmark-json none/a.json: there is no fol"),
        ({"benchmark_json": Path("file/a.json")}, "^--benchmark-json file: file is no folder; "),
        ({"xmlpath": "folder"}, "^--junitxml folder is a folder; name a file in it"),
        ({"xmlpath": "file/a.xml"}, "^--junitxml file: file is no folder; name another one"),
        ({"benchmark_save": "x", "benchmark_storage": "file://file"}, "^--benchmark-storage file:"),
    ],
)
def test_what_another_plugin_could_not_write_at_the_end_is_refused_first(
    options: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("folder").mkdir()
    with pytest.raises(GrindstoneError, match=told):
        plugins.check(_config(**{"benchmark_storage": "file://./.benchmarks"} | options))
    plugins.check(_config(benchmark_json=Path("folder/a.json"), xmlpath="none/a.xml"))


_SHUFFLES = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    items.reverse()
"""


def test_a_plugin_that_shuffles_does_not_change_the_turns(bench: Bench) -> None:
    bench.plugin("randomly", _SHUFFLES)
    ended = bench("-p", "randomly", "-k", "mlp or convnet", "--processes=2")
    order = [(result.repeat, result.workload) for result in ended.record.results]
    assert order == [(1, "mlp"), (1, "convnet"), (2, "mlp"), (2, "convnet")]


@pytest.mark.parametrize("attributes", ["", ", dest='picked_mode'"])
def test_an_option_that_another_plugin_has_is_one_line(bench: Bench, attributes: str) -> None:
    bench.plugin(
        "picked",
        f"def pytest_addoption(parser):\n    parser.addoption('--mode', default='x'{attributes})\n",
    )
    line = bench("-p", "picked", *MLP).one_line
    told = "--mode is an option of picked too; leave that plugin out: -p no:picked"
    assert line == f"ERROR: bench: {told}"


# ---- what is known at the start is told at the start


@pytest.mark.parametrize("what", ["file", "locked"])
def test_a_results_folder_that_cannot_be_written_is_one_line(
    bench: Bench, tmp_path: Path, what: str
) -> None:
    taken = tmp_path / "taken"
    if what == "file":
        taken.touch()
    else:
        taken.mkdir(mode=0o500)
        if os.access(taken, os.W_OK):
            pytest.skip("root may write everywhere")
    line = bench(*MLP, f"--results-dir={taken / 'below'}").one_line
    assert str(taken) in line
    assert "--results-dir" in line


_PROCESSES_ALONE = 'mount -t proc -o subset=pid proc /proc && exec "$@"'


def test_a_proc_of_processes_alone_trains_and_says_what_cannot_be_read(bench: Bench) -> None:
    bench.before = ("unshare", "--mount", "sh", "-c", _PROCESSES_ALONE, "sh")
    there = subprocess.run([*bench.before, "true"], capture_output=True, text=True, check=False)
    if there.returncode != 0:
        pytest.skip(f"/proc cannot be mounted so here: {there.stderr.strip()}")
    ended = bench(*MLP)
    assert ended.status == 0, ended.output
    assert ended.trained == ["mlp"]
    assert ended.record.machine.memory
    told = "other load (there is no /proc/stat), memory (there is no /proc/meminfo)"
    assert told in " ".join(ended.output.split())


def test_an_error_that_nobody_has_foreseen_is_one_line_and_whole_when_asked_for(
    bench: Bench,
) -> None:
    bench.plugin(
        "breaks",
        "def pytest_load_initial_conftests():\n"
        "    import bench.observe.devices\n"
        "    def find(): raise RuntimeError('the moon is full')\n"
        "    bench.observe.devices.find = find\n",
    )
    told = "ERROR: bench: RuntimeError: the moon is full (at "
    assert bench("-p", "breaks", *MLP).one_line.startswith(told)
    assert "pytest_configure" in bench("-p", "breaks", "--full-trace", *MLP).output


# ---- the ways a run is ended


@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 2)]
)
def test_a_signal_ends_a_run_as_ctrl_c_does(
    bench: Bench, ended: Callable[[int], bool], number: signal.Signals, status: int
) -> None:
    told = bench.folder / "told"
    os.mkfifo(told)
    reader = os.open(told, os.O_RDONLY | os.O_NONBLOCK)
    bench.worker = fake_worker.write(
        bench.folder, f"{_HANGS}open({str(told)!r}, 'w').write(str(os.getpid()))\nwait_for_ever()\n"
    )
    run = subprocess.Popen(
        bench.command(*MLP),
        cwd=ROOT,
        env=bench.environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert select.select([reader], [], [], 120)[0]
        worker = int(os.read(reader, 100))
        run.send_signal(number)
        output, _ = run.communicate(timeout=120)
    finally:
        os.close(reader)
        run.kill()
    assert run.returncode == status, output
    assert ended(worker)
    (path,) = (bench.folder / "results").glob("*.json")
    (result,) = codec.read(path).results
    assert isinstance(result, Failed)
    assert result.reason.startswith("mlp on cpu: interrupted")
    assert (number.name in result.reason) == (number != signal.SIGINT)
    assert list(bench.scratch.iterdir()) == []
    assert "INTERRUPTED in mlp\n" in output
    assert "Benchmark fixture" not in output


_NEXT = """
tell()
if job["workload"] == "cnn_simple":
    os.kill(os.getppid(), signal.SIGINT)
    wait_for_ever()
"""


@pytest.mark.usefixtures("heeded_signals")
def test_a_run_that_is_cut_off_names_what_it_has_not_trained_and_how_to(bench: Bench) -> None:
    bench.worker = fake_worker.write(bench.folder, _NEXT + WORKER)
    ended = bench("--mode=stock", *("-k", "mlp or cnn_simple or convnet"))
    assert ended.status == 2
    (line,) = re.findall(r"^Not trained: .*", ended.output, re.MULTILINE)
    told, _, command = line.partition(" To train: ")
    assert told == "Not trained: 2 of 3: cnn_simple on cpu, convnet on cpu."
    bench.worker = fake_worker.write(bench.folder, WORKER)
    shutil.rmtree(ended.results)
    words = shlex.split(command.partition("pytest ")[2])
    assert words[-2:] == ["-k", "cnn_simple or convnet"]
    again = [sys.executable, "-m", "pytest", *words]
    subprocess.run(again, cwd=ROOT, env=bench.environment({}), check=False)
    (path,) = ended.results.glob("*.json")
    assert [each.workload for each in codec.read(path).results] == ["cnn_simple", "convnet"]


def test_a_run_that_ends_at_the_first_failure_names_the_rest(bench: Bench) -> None:
    ended = bench("-x", where="bench/test_mnist.py")
    assert "\nNot trained: 2 of 4: " in ended.output
