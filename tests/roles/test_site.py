"""`site.yml` in fresh Debian roots, with the real apt, pip, uv and TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import playbook
from tests.support.playbook import PlayResult
from tests.support.roots import Root, changed

Fresh = Callable[[str], Root]
PREFIX = "opt/grindstone"
PLAN = "etc/grindstone/plan.json"
OF_THE_CPU = ("interpreter", "import", "training step", "matrix product", "convolution", "XLA")
SITE_PACKAGES = f"{PREFIX}/tensorflow/lib/python3.11/site-packages"


def stages(root: Root) -> dict[str, str]:
    report = json.loads((root.path / "etc/grindstone/verify.json").read_text(encoding="utf-8"))
    return {stage["stage"]: stage["state"] for stage in report["stages"]}


def assert_proven(root: Root, first: PlayResult, distribution: str, python: str) -> None:
    assert first.status == 0, first.output
    assert "GPU no NVIDIA GPU found" in first.said
    plan = json.loads((root.path / PLAN).read_text(encoding="utf-8"))
    assert plan["host"]["distribution"] == distribution
    assert plan["tensorflow"]["python"] == python
    assert plan["driver"] == {"action": "none", "reason": "no NVIDIA GPU found"}
    for stage, state in stages(root).items():
        assert state == ("passed" if stage in OF_THE_CPU else "not applicable"), stage
    ask = "import importlib.metadata as m; print(m.version('tensorflow'))"
    told = root.command(plan["tensorflow"]["interpreter"], "-c", ask)
    assert told.strip() == plan["tensorflow"]["version"]


def test_a_fresh_debian_12_ends_with_a_proven_tensorflow(
    installed: Root, first_run: tuple[PlayResult, list[Path]]
) -> None:
    assert_proven(installed, first_run[0], "Debian 12", "3.11")


@pytest.mark.parametrize("arguments", [[], ["--check", "--diff"]])
def test_the_second_run_changes_nothing(installed: Root, arguments: list[str]) -> None:
    before = installed.tree()
    second = installed.play(*arguments)
    assert (second.status, second.recap["changed"]) == (0, 0), second.output
    assert "nothing changed since; -e verify_force=true checks again" in second.said
    assert changed(before, installed.tree()) == {}


def play_all(hosts: dict[str, Root], *arguments: str) -> dict[str, PlayResult]:
    """One run of `site.yml` on many hosts."""
    given = {name: playbook.in_root(root.path, {}) for name, root in hosts.items()}
    inventory = next(iter(hosts.values())).path.with_suffix(".json")
    return playbook.play_all(given, inventory, "site.yml", *arguments)


def test_check_mode_prints_the_plan_of_a_fresh_debian_and_changes_nothing(fresh: Fresh) -> None:
    hosts = {suite: fresh(suite) for suite in ("bookworm", "trixie")}
    before = {suite: root.tree() for suite, root in hosts.items()}
    for suite, checked in play_all(hosts, "--check", "--diff").items():
        assert checked.status == 0, checked.output
        assert "install the package python3-venv" in checked.said
        assert checked.output.count('+    "stack": "cpu"') == len(hosts)
        assert checked.output.count("+tensorflow==2.21.0") == len(hosts)
        assert changed(before[suite], hosts[suite].tree()) == {}


def test_a_run_that_is_killed_while_it_installs_is_finished_by_the_next_on_a_fresh_debian_13(
    fresh: Fresh,
) -> None:
    root = fresh("trixie")
    root.share_downloads()
    half = root.path / PREFIX / "tensorflow.new/lib/python3.13/site-packages/numpy"
    with root.start() as running:
        while not half.exists():
            try:
                output, _ = running.communicate(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"it ended before it could be killed:\n{output}")
        playbook.kill(running)
        root.kill()
    assert half.exists()
    assert not (root.path / PREFIX / "tensorflow").exists()

    assert_proven(root, root.play(), "Debian 13", "3.13")
    made = {path.name for path in (root.path / PREFIX).iterdir()}
    assert made == {".lock", "cache", "tensorflow", "tools"}
    third = root.play()
    assert (third.status, third.recap["changed"]) == (0, 0), third.output


@pytest.fixture
def too_new(fresh: Fresh) -> Root:
    """A root whose only Python calls itself 3.14; it is Debian's, by another name."""
    root = fresh("bookworm")
    root.command("apt-get", "update")
    root.command("apt-get", "install", "--yes", "--no-install-recommends", "python3-venv")
    programs = root.path / "usr/bin"
    (programs / "python3.11").rename(programs / "python3.14")
    (programs / "python3").unlink()
    (programs / "python3").symlink_to("python3.14")
    (root.path / "usr/lib/python3.14").symlink_to("python3.11")
    return root


def test_a_python_for_which_tensorflow_is_not_built_and_no_other_to_be_had_is_one_line(
    too_new: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    refused = too_new.play(tensorflow_python_mirror="http://127.0.0.1:9/pythons")
    assert refused.status == 2
    assert "python3 is 3.14; TensorFlow takes 3.10 to 3.13" in refused.said
    assert "Traceback" not in refused.output
    assert "Python 3.13 could not be brought (uv failed: " in refused.failure
    assert "Connection refused" in refused.failure
    assert refused.failure.endswith("or name a mirror of it in tensorflow_python_mirror")
    assert not (too_new.path / PREFIX / "tensorflow").exists()
    assert not (too_new.path / PREFIX / "tensorflow.new").exists()


def no_absolute_link(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.linkname.startswith("/") else member


def published(root: Root) -> None:
    """Debian's Python as uv takes one: an archive, and the list that names it."""
    with tarfile.open(root.path / "srv/python.tar.gz", "w:gz", compresslevel=1) as archive:
        for source, name in (
            ("usr/bin/python3.14", "python/bin/python3.11"),
            ("usr/lib/python3.11", "python/lib/python3.11"),
        ):
            archive.add(root.path / source, name, filter=no_absolute_link)
    key = "cpython-3.11.2-linux-x86_64-gnu"
    entry = {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 11,
        "patch": 2,
        "prerelease": "",
        "url": "file:///srv/python.tar.gz",
        "sha256": None,
        "variant": None,
    }
    (root.path / "srv/pythons.json").write_text(json.dumps({key: entry}), encoding="utf-8")


def test_a_python_that_fits_is_brought_where_the_system_s_does_not(
    too_new: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_new.share_downloads()
    published(too_new)
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", "/srv/pythons.json")
    first = too_new.play(plan_python="3.11")
    assert first.status == 0, first.output
    interpreter = too_new.path / PREFIX / "tensorflow/bin/python"
    assert interpreter.readlink().is_relative_to(f"/{PREFIX}/python")
    assert stages(too_new)["training step"] == "passed"
    second = too_new.play(plan_python="3.11")
    assert (second.status, second.recap["changed"]) == (0, 0), second.output


def test_what_the_plan_refuses_is_refused_before_anything_is_written(fresh: Fresh) -> None:
    small, unknown = fresh("bookworm"), fresh("bookworm")
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(small.path / "opt")]
    subprocess.run(mount, check=True)
    release = unknown.path / "etc/os-release"
    release.unlink()
    release.write_text('NAME="Fedora Linux"\nID=fedora\nVERSION_ID=43\n', encoding="utf-8")
    before = small.tree(), unknown.tree()
    refused = play_all({"small": small, "unknown": unknown})
    assert refused["small"].failure == (
        "found 0.1 GB free for /opt/grindstone; expected 4.5 GB for TensorFlow: free some, or set "
        "plan_prefix to a folder on a larger disk"
    )
    assert refused["unknown"].failure.startswith("found Fedora 43; expected Debian 12 or 13")
    assert changed(before[0], small.tree()) == {}
    assert changed(before[1], unknown.tree()) == {}


def test_damaged_files_are_made_anew_by_their_size_or_where_the_import_fails(
    installed: Root,
) -> None:
    uv, six = installed.path / PREFIX / "tools/bin/uv", installed.path / SITE_PACKAGES / "six.py"
    os.truncate(uv, 100)
    size = six.stat().st_size
    six.write_text("raise ImportError('broken')\n".ljust(size, "#"), encoding="utf-8")
    again = installed.play()
    # uv, the environment, and verify.json, which the environment is part of.
    assert (again.status, again.recap["changed"]) == (0, 3), again.output
    assert uv.stat().st_size > 100
    assert stages(installed)["training step"] == "passed"
    third = installed.play()
    assert (third.status, third.recap["changed"]) == (0, 0), third.output


def test_a_stage_that_fails_ends_the_run_with_what_it_found(installed: Root) -> None:
    package = installed.path / SITE_PACKAGES / "six"  # before the module, which stays as it is
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('broken')\n", encoding="utf-8")
    refused = installed.play()
    assert refused.status == 2
    assert refused.failure.startswith("import failed: ImportError: broken; run site.yml again")
    assert stages(installed)["matrix product"] == "not reached"
