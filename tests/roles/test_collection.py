"""The collection: built, installed elsewhere, its roles and playbooks called by full name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import bench
from docs.collection import build
from tests.support.program import to_the_end

HERE = Path(__file__).parents[2]
PACKED = {"CHANGELOG.md", "LICENSE", "LICENSES", "README.md", "changelogs", "docs", "meta"}
PACKED |= {"playbooks", "plugins", "roles"}
# Read from another folder, with nothing of this checkout in Ansible's way.
PLAY = """
- name: Provision by full names
  hosts: all
  gather_facts: false
  roles:
    - {role: grindstone.grindstone.plan, plan_record: false}
    - role: grindstone.grindstone.tensorflow
      vars:
        tensorflow_plan: "{{ plan_result }}"
        tensorflow_facts: "{{ plan_facts.found }}"
        tensorflow_prefix: "{{ plan_prefix }}"
"""

HERE_ITSELF = ["-i", "localhost,", "-c", "local"]
HERE_ITSELF += ["-e", f"ansible_python_interpreter={sys.executable}"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "ansible.cfg").write_text("", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    """Runs one of Ansible's commands in `folder`."""

    def run(command: str, *arguments: str, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(folder),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "LC_ALL": "C.UTF-8",
        }
        return to_the_end(
            [sys.executable, "-m", "ansible", command, *arguments],
            cwd=cwd,
            env=environment,
            together=True,
        )

    return run


@pytest.fixture(scope="module")
def archive(folder: Path) -> Path:
    return build(folder)


@pytest.fixture(scope="module")
def installed(folder: Path, run: Run, archive: Path) -> Path:
    done = run("galaxy", "collection", "install", "--offline", "-p", str(folder), str(archive))
    assert done.returncode == 0, done.stdout
    return folder / "ansible_collections/grindstone/grindstone"


def test_the_collection_holds_what_it_needs_and_nothing_else(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        members = packed.getmembers()
        told = packed.extractfile("MANIFEST.json")
        assert told is not None
        manifest = json.load(told)["collection_info"]
        readme = packed.extractfile("README.md")
        assert readme is not None
        text = readme.read().decode()
    names = [member.name for member in members if member.name.split("/")[0] != "."]
    assert {name.split("/")[0] for name in names} - {"MANIFEST.json", "FILES.json"} == PACKED
    assert [name for name in names if "collections/" in name or "__pycache__" in name] == []
    assert [member.name for member in members if member.issym()] == []
    assert [name for name in names if name.startswith("docs/") and name.endswith(".py")] == []
    assert text.startswith("# The collection `grindstone.grindstone`\n")
    links = re.findall(r"\]\(([\w/.-]+)\)", text)
    assert links
    assert set(links) <= set(names)
    assert (manifest["namespace"], manifest["name"]) == ("grindstone", "grindstone")


def test_its_version_is_the_project_s(archive: Path) -> None:
    assert archive.name == f"grindstone-grindstone-{bench.__version__}.tar.gz"


def test_a_checkout_is_the_same_collection_by_its_links(installed: Path) -> None:
    links = HERE / "collections/ansible_collections/grindstone/grindstone"
    folders = {path.name for path in installed.iterdir() if path.is_dir()}
    folders -= {"LICENSES", "changelogs", "docs"}
    assert {path.name for path in links.iterdir()} == folders
    for name in folders:
        assert (links / name).resolve() == HERE / name


def test_its_roles_work_by_full_name_where_it_is_installed(installed: Path, run: Run) -> None:
    play = installed.parents[2] / "play.yml"
    play.write_text(PLAY, encoding="utf-8")
    prefix = installed.parents[2] / "prefix"
    done = run("playbook", str(play), *HERE_ITSELF, "-e", f"plan_prefix={prefix}", "--check")
    assert done.returncode == 0, done.stdout
    assert re.search(r"Plan for localhost: \d+ changes? \(TensorFlow ", done.stdout)
    assert "TASK [grindstone.grindstone.tensorflow : Install TensorFlow]" in done.stdout
    assert str(HERE) not in done.stdout
    assert not prefix.exists()


def test_its_playbooks_work_by_full_name_and_its_roles_find_each_other(
    installed: Path, run: Run
) -> None:
    planned = run("playbook", "grindstone.grindstone.plan", *HERE_ITSELF)
    assert planned.returncode == 0, planned.stdout
    assert re.search(r"Plan for localhost: .*\(TensorFlow ", planned.stdout)
    nowhere = str(installed.parents[2] / "nowhere")
    play = installed.parents[2] / "doctor.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  roles: [grindstone.grindstone.doctor]\n",
        encoding="utf-8",
    )
    doctor = run("playbook", str(play), *HERE_ITSELF, "-e", f"plan_prefix={nowhere}")
    assert doctor.returncode == 2
    assert "there is no TensorFlow of Grindstone's here" in doctor.stdout
    assert "fix    ansible-playbook site.yml" in doctor.stdout


def test_without_its_collection_a_role_is_not_found(installed: Path, run: Run) -> None:
    """Else the tests above might have found this checkout's."""
    away = installed.with_name("away")
    installed.rename(away)
    try:
        done = run("playbook", "grindstone.grindstone.plan", *HERE_ITSELF)
    finally:
        away.rename(installed)
    assert done.returncode != 0
    assert "Plan for" not in done.stdout
