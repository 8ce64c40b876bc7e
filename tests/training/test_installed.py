"""The wheel in a clean environment: the command `grindstone`, and `pytest --grindstone`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import bench
from bench.record import codec
from tests.conftest import ROOT
from tests.support.program import to_the_end
from tests.training.command import PATIENCE

Run = Callable[..., subprocess.CompletedProcess[str]]


UV = [sys.executable, "-m", "uv", "--quiet"]


def _do(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel that was made of it."""
    folder = tmp_path_factory.mktemp("dist")
    here = ["--no-build-isolation", "--python", sys.executable]
    _do(*UV, "build", *here, "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wanted(built: Path) -> list[str | Path]:
    """The wheel, as uv installs it: what it depends on as locked."""
    lock = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")
    pins = built / "pins.txt"  # without the hashes, which uv would ask of the wheel, too
    named = re.findall(r"^[\w.-]+==[^\\\n]*", lock, re.MULTILINE)
    pins.write_text("\n".join(named), encoding="utf-8")
    (wheel,) = built.glob("*.whl")
    return ["--constraints", pins, wheel]


@pytest.fixture(scope="module")
def programs(wanted: list[str | Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel."""
    environment = tmp_path_factory.mktemp("clean") / "environment"
    _do(*UV, "venv", "--python", sys.executable, environment)
    _do(*UV, "pip", "install", "--python", environment, *wanted)
    return environment / "bin"


@pytest.fixture
def run(programs: Path, tmp_path: Path) -> Run:
    """Runs one of its programs in a folder that is nobody's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    variables = {**kept, "CUDA_VISIBLE_DEVICES": "-1", "TMPDIR": str(tmp_path)}
    variables["PATH"] = f"{programs}:{kept['PATH']}"
    folder = tmp_path / "here"
    folder.mkdir()

    def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return to_the_end(
            [programs / program, *arguments], cwd=folder, env=variables, timeout=PATIENCE
        )

    return run


def test_the_sdist_has_the_benchmark_and_nothing_of_the_provisioning(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"LICENSE", "bench/page/page.html.j2", "bench/workloads/evidence.csv"} <= names
    assert {name.split("/")[0] for name in names} == {
        *(".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "bench", "pyproject.toml")
    }


def test_uv_makes_a_tool_of_it(
    wanted: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_TOOL_DIR", str(tmp_path / "tools"))
    monkeypatch.setenv("UV_TOOL_BIN_DIR", str(tmp_path / "bin"))
    _do(*UV, "tool", "install", "--python", sys.executable, *wanted)
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["grindstone"]
    done = subprocess.run(
        [tmp_path / "bin/grindstone", "--version"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"Grindstone {bench.__version__} "), done.stderr


def test_its_verbs_are_those_of_the_module_under_its_own_name(run: Run) -> None:
    assert run("grindstone", "--version").stdout.startswith(f"Grindstone {bench.__version__} ")
    assert run("grindstone", "--help").stdout.startswith("usage: grindstone ")
    listed = run("grindstone", "list")
    assert (listed.returncode, listed.stderr) == (
        0,
        "bench: nothing to list in results: it is not there\n",
    )
    assert run("grindstone", "show", "last").stderr.count("`grindstone run`") == 1
    assert run("grindstone", "nonsense").returncode == 2


def test_it_trains_writes_record_and_page_and_names_itself_in_advice(
    run: Run, worker_python: Path, tmp_path: Path
) -> None:
    options = ["-k", "mlp", "--profile", "smoke", f"--worker-python={worker_python}"]
    ended = run("grindstone", "run", *options, "--plan=none.json", "--synthetic")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "PASSED 1 of 1" in ended.stdout
    assert "grindstone run " in ended.stdout
    assert re.findall(r"pytest bench|python -m bench|[Ww]arning", ended.stdout) == []
    results = tmp_path / "here/results"
    (path,) = results.glob("*.json")
    (result,) = codec.read(path).results
    assert result.workload == "mlp"
    assert [page.stat().st_size > 10_000 for page in results.glob("*.html")] == [True]
    # The other folder is pytest-benchmark's.
    assert {each.name for each in results.parent.iterdir()} <= {"results", ".benchmarks"}
    shown = run("grindstone", "show", "last")
    assert "PASSED 1 of 1" in shown.stdout


def test_pytest_collects_the_trainings_where_it_is_asked_to(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "here/test_own.py"
    own.write_text("def test_one(): pass\n", encoding="utf-8")
    asked = ["--collect-only", "-q", "--plan=none.json", f"--worker-python={sys.executable}"]
    ended = run("pytest", "--grindstone", *asked, "-k", "mlp")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.findall(r"test_mnist.py::test_mnist\[(.*)\]", ended.stdout) == ["mlp-cpu"]
    both = run("pytest", "--grindstone", "test_own.py", *asked, "-k", "mlp or test_one")
    assert re.findall(r"::(\w+)", both.stdout) == ["test_one", "test_mnist"]


def test_a_pytest_that_does_not_ask_for_it_knows_nothing_of_it(run: Run, tmp_path: Path) -> None:
    here = tmp_path / "here"
    (here / "conftest.py").write_text(
        "def pytest_addoption(parser):\n"
        "    for name in ('--device', '--profile', '--batch', '--seed'):\n"
        "        parser.addoption(name, default='mine')\n",
        encoding="utf-8",
    )
    (here / "bench").mkdir()
    (here / "bench/__init__.py").write_text("MINE = True\n", encoding="utf-8")
    (here / "test_own.py").write_text(
        "import sys\n\ndef test_own(request):\n"
        "    assert 'bench' not in sys.modules\n"
        "    sys.path.insert(0, str(request.path.parent))\n"
        "    import bench\n    assert bench.MINE\n"
        "    assert request.config.getoption('--device') == 'mine'\n",
        encoding="utf-8",
    )
    ended = run("pytest", "-q", "-p", "no:cacheprovider")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout


def test_a_package_of_its_name_that_is_loaded_already_is_told_in_one_line(
    run: Run, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    (here / "bench").mkdir()
    (here / "bench/__init__.py").touch()
    (here / "mine.py").write_text("import bench\n", encoding="utf-8")
    ended = run("python", "-m", "pytest", "-p", "mine", "--grindstone", "--collect-only")
    assert ended.returncode == 4
    (line,) = ended.stderr.strip().splitlines()
    assert f"another package named bench is loaded ({here}/bench/__init__.py)" in line


def test_no_other_project_finds_its_package(run: Run) -> None:
    ended = run("python", "-c", "import bench")
    assert ended.returncode == 1
    assert "ModuleNotFoundError: No module named 'bench'" in ended.stderr
