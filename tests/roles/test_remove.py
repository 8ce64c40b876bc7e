"""`playbooks/remove.yml` and `playbooks/doctor.yml` in real Debian roots.

What the driver's ledger brings back is proven in test_driver_debian.py.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.playbook import PlayResult
from tests.support.roots import Root, changed, root_on

Fresh = Callable[[str], Root]
PREFIX = "opt/grindstone"
MADE = {"etc/grindstone", PREFIX}


def play(root: Root, name: str, *arguments: str) -> PlayResult:
    """Runs one of the playbooks against this root to its end."""
    return root.play(*arguments, playbook=f"playbooks/{name}.yml")


def packages(root: Root) -> str:
    """The package list with its versions and marks."""
    return root.command("dpkg-query", "-W") + root.command("apt-mark", "showmanual")


@pytest.fixture
def pristine(
    base: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Root]:
    """A root as site.yml has found it."""
    with root_on([base("bookworm")], tmp_path_factory.mktemp("pristine")) as root:
        yield root


@pytest.fixture
def provisioned(installed: Root) -> Root:
    """A root where site.yml has run; its cache is its own, not the one that tests share."""
    subprocess.run(["umount", str(installed.path / PREFIX / "cache")], check=True)
    tag = installed.path / PREFIX / "cache/CACHEDIR.TAG"
    tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n", encoding="utf-8")
    return installed


def test_after_the_removal_the_host_is_as_it_was_before_site_yml(
    provisioned: Root, pristine: Root
) -> None:
    checked_before = provisioned.tree()
    checked = play(provisioned, "remove", "--check", "--diff")
    assert checked.status == 0, checked.output
    assert f"remove /{PREFIX}/tensorflow" in checked.said
    assert changed(checked_before, provisioned.tree()) == {}

    removed = play(provisioned, "remove")
    assert removed.status == 0, removed.output
    assert removed.recap["changed"] > 0

    again = play(provisioned, "remove")
    assert (again.status, again.recap["changed"]) == (0, 0), again.output
    assert "nothing of Grindstone's is here" in again.said

    assert packages(provisioned) == packages(pristine)
    left, were = provisioned.tree(), pristine.tree()
    for folder in MADE | {"var/lib/grindstone"}:
        assert [path for path in left if path == folder or path.startswith(f"{folder}/")] == []
    elsewhere = {path for path in set(left) - set(were) if not path.startswith(OF_APT)}
    assert elsewhere == set()
    configuration = [path for path in were if path.startswith("etc/") and path not in CACHES]
    assert [path for path in configuration if left.get(path) != were[path]] == []


# What apt and dpkg write whenever a package comes and goes, and what these tests copy into a root.
OF_APT = ("var/lib/apt/", "var/cache/", "var/log/", "var/lib/dpkg/", "tmp/", "run/")
CACHES = {"etc/ld.so.cache", "etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"}


def test_what_else_is_in_the_prefix_stays(provisioned: Root) -> None:
    prefix = provisioned.path / PREFIX
    (prefix / "notes.txt").write_text("mine\n", encoding="utf-8")
    (prefix / "python").mkdir()
    (prefix / "python/own.py").write_text("mine\n", encoding="utf-8")
    removed = play(provisioned, "remove")
    assert removed.status == 0, removed.output
    assert f"stays /{PREFIX}/notes.txt: not Grindstone's" in removed.said
    assert {path.name for path in prefix.iterdir()} == {"notes.txt", "python"}
    assert (prefix / "python/own.py").exists()


def test_a_removal_while_the_environment_is_used_is_refused_in_one_line(
    provisioned: Root,
) -> None:
    interpreter = f"/{PREFIX}/tensorflow/bin/python"
    with subprocess.Popen(
        ["chroot", str(provisioned.path), interpreter, "-c", "print('up', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as training:
        assert training.stdout is not None
        assert training.stdout.readline() == "up\n"
        before = provisioned.tree()
        refused = play(provisioned, "remove")
        after = provisioned.tree()
        training.communicate("\n")
    assert refused.status == 2
    assert refused.failure == (
        f"python (process {training.pid}) uses Grindstone below /{PREFIX}; nothing was changed: "
        "end it, then run this again"
    )
    assert changed(before, after) == {}
    assert play(provisioned, "remove").status == 0


def test_a_host_that_has_never_seen_grindstone_is_left_alone(fresh: Fresh) -> None:
    root = fresh("bookworm")
    before = root.tree()
    removed = play(root, "remove")
    assert (removed.status, removed.recap["changed"]) == (0, 0), removed.output
    assert changed(before, root.tree()) == {}


def test_the_doctor_finds_nothing_wrong_where_site_yml_has_run_and_changes_nothing(
    installed: Root,
) -> None:
    before = installed.tree()
    told = play(installed, "doctor")
    assert told.status == 0, told.output
    assert "Doctor for root: no problem found" in told.output
    printed = re.sub(r"'?\n +- '? *", " ", told.output)  # a list of lines, each in quotes or not
    assert "verification checks passed" in printed
    assert told.recap["changed"] == 0
    assert changed(before, installed.tree()) == {}


def test_the_doctor_sees_a_broken_environment_and_an_interrupted_dpkg(installed: Root) -> None:
    packages_folder = installed.path / PREFIX / "tensorflow/lib/python3.11/site-packages"
    (packages_folder / "six.py").write_text("raise ImportError('broken')\n", encoding="utf-8")
    told = play(installed, "doctor")
    assert told.status == 2
    assert told.failure.startswith("stage failed: import failed: ImportError: broken")

    status = installed.path / "var/lib/dpkg/status"
    text = status.read_text(encoding="utf-8")
    entry = "Package: apt\nStatus: install ok "
    assert f"{entry}installed" in text
    status.write_text(text.replace(f"{entry}installed", f"{entry}half-configured"), "utf-8")
    before = installed.tree()
    told = play(installed, "doctor")
    assert told.status == 2
    assert "package manager stuck" in told.failure
    assert changed(before, installed.tree()) == {}


def test_the_doctor_needs_no_earlier_run_and_works_where_the_plan_is_refused(
    fresh: Fresh, tmp_path: Path
) -> None:
    root = fresh("bookworm")
    (root.path / "etc/hostname").write_text("secretive\n", encoding="utf-8")
    release = root.path / "etc/os-release"
    release.unlink()
    release.write_text('NAME="Fedora Linux"\nID=fedora\nVERSION_ID=43\n', encoding="utf-8")
    before = root.tree()
    bundle = tmp_path / "report.tar.gz"
    arguments = ["-e", f"doctor_bundle={bundle}"]
    arguments += ["-e", "doctor_symptom=Failed to initialize NVML: Driver/library version mismatch"]
    told = play(root, "doctor", *arguments)
    assert told.status == 2
    assert "Known as: versions differ" in told.output
    assert told.failure.startswith("refused: found Fedora 43;")
    assert changed(before, root.tree()) == {}
    with tarfile.open(bundle) as archive:
        assert "grindstone/host-1/found.json" in archive.getnames()
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content is not None
            assert b"secretive" not in content.read()
