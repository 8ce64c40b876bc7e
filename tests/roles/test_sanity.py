"""ansible-test's sanity checks, on the collection as it is built."""

from __future__ import annotations

import os
import re
import sys
import tarfile
from pathlib import Path

import ansible_test

from docs.collection import build
from tests.support import weekly
from tests.support.cache import cache_folder
from tests.support.program import to_the_end

PROGRAMS = Path(sys.executable).parent
# ansible-test makes environments of its own, and downloads this script for them; the Python that
# runs the tests has the same in its standard library.
BOOTSTRAP = "import ensurepip\nensurepip.bootstrap()\n"
# What tests/lint asks of the same files every day, by ruff, mypy, yamllint and shellcheck.
LINTED = ("pep8", "pylint", "shellcheck", "yamllint")


def bootstrap() -> str:
    """The name under which ansible-test looks for the script that installs pip."""
    source = Path(ansible_test.__path__[0]) / "_internal/python_requirements.py"
    said = re.search(r"\bpip='([\d.]+)'", source.read_text(encoding="utf-8"))
    assert said
    return f"get_pip_{said.group(1).replace('.', '_')}.py"


def test_the_collection_passes_ansible_s_sanity_checks(tmp_path: Path) -> None:
    home = cache_folder() / "sanity"  # where the environments are kept from one run to the next
    script = home / ".ansible/test/cache" / bootstrap()
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(BOOTSTRAP, encoding="utf-8")
    # Its scripts lie below TMPDIR, and a Python imports what lies beside its script.
    own = {"HOME": str(home), "LC_ALL": "C.UTF-8", "TMPDIR": str(tmp_path)}
    path = f"{PROGRAMS}:{os.environ['PATH']}"

    archive = build(tmp_path)
    tree = tmp_path / "ansible_collections/grindstone/grindstone"
    with tarfile.open(archive) as packed:
        packed.extractall(tree, filter="data")

    skipped = () if weekly.asked() else (f"--skip-test={name}" for name in LINTED)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    done = to_the_end(
        [str(PROGRAMS / "ansible-test"), "sanity", "--python", version, *skipped],
        cwd=tree,
        env={**os.environ, **own, "PATH": path},
        together=True,
    )
    assert done.returncode == 0, done.stdout
    assert 'Running sanity test "validate-modules"' in done.stdout
