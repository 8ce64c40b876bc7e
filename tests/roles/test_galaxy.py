"""What judges a collection and its licences before other people get it: the tools of Galaxy."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import ansible
import pytest

from docs.collection import build
from tests.conftest import ROOT
from tests.support.cache import cache_folder
from tests.support.program import to_the_end
from tests.support.weekly import weekly

pytestmark = weekly("has Galaxy's importer and antsibull judge the collection")

LOCK = ROOT / "requirements/collection.txt"


@pytest.fixture(scope="module")
def programs() -> Path:
    """The programs of an environment of their own, kept from one run to the next."""
    made_of = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache_folder() / f"galaxy-{made_of}"
    if not (folder / ".whole").exists():
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run(
            [*uv, "venv", "--clear", "--python", sys.executable, str(folder)], check=True
        )
        sync = [*uv, "pip", "sync", "--python", str(folder), "--require-hashes", str(LOCK)]
        subprocess.run(sync, check=True)
        (folder / ".whole").touch()
    return folder / "bin"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("archive"))


def judged(
    folder: Path, programs: Path, *command: str | Path, **variables: str | Path
) -> subprocess.CompletedProcess[str]:
    return to_the_end(
        [programs / command[0], *command[1:]],
        cwd=folder,
        env={
            **os.environ,
            **{name: str(value) for name, value in variables.items()},
            "PATH": f"{programs}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
        },
        together=True,
    )


def test_galaxy_imports_it_without_a_warning(archive: Path, programs: Path, tmp_path: Path) -> None:
    # ansible-lint runs over the checkout (tests/lint), ansible-test in test_sanity.py.
    settings = tmp_path / "importer.cfg"
    settings.write_text("[galaxy-importer]\nRUN_ANSIBLE_LINT = False\n", encoding="utf-8")
    importer: list[str | Path] = ["python", "-m", "galaxy_importer.main", archive]
    done = judged(tmp_path, programs, *importer, GALAXY_IMPORTER_CONFIG=settings)
    assert done.returncode == 0, done.stdout
    assert "Importer processing completed successfully" in done.stdout
    wrong = [line for line in done.stdout.splitlines() if line.startswith(("WARN", "ERROR"))]
    assert wrong == []


def test_every_plugin_s_documentation_is_as_it_is_asked_for(
    archive: Path, programs: Path, tmp_path: Path
) -> None:
    collection = tmp_path / "ansible_collections/grindstone/grindstone"
    with tarfile.open(archive) as packed:
        packed.extractall(collection, filter="data")
    lint: list[str | Path] = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", collection]
    # community.general, whose documentation belongs to it, comes with the package `ansible`.
    beside = Path(ansible.__file__).parents[1]
    done = judged(tmp_path, programs, *lint, ANSIBLE_COLLECTIONS_PATH=beside)
    assert done.returncode == 0, done.stdout


def test_the_fragments_make_a_changelog(programs: Path) -> None:
    done = judged(ROOT, programs, "antsibull-changelog", "lint")
    assert done.returncode == 0, done.stdout
    assert list((ROOT / "changelogs").glob("fragments/*.yml"))


def test_every_file_has_its_licence(programs: Path) -> None:
    done = judged(ROOT, programs, "reuse", "lint", "--lines")
    assert done.returncode == 0, done.stdout
