"""The resolvers of apt and pacman, over archives that are indexes alone; nothing is installed."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.mock_packages import Package
from tests.support.program import to_the_end

_SETTINGS = {
    "APT::Architecture": "amd64",
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
}


class Apt:
    """A machine's apt with archives of its own, and nothing installed."""

    def __init__(
        self,
        folder: Path,
        packages: Iterable[Package],
        sources: Sequence[str] = (),
        lists: Path | None = None,
    ) -> None:
        """Reads the lists.

        sources: of other archives, one a line, as in sources.list.  lists: where those are kept.
        """
        self.folder = folder
        lists = lists or folder / "lists"
        for path in (
            folder / "etc/apt/apt.conf.d",
            folder / "etc/apt/preferences.d",
            lists / "partial",
            folder / "offered",
        ):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "var/cache/apt/archives/partial").mkdir(parents=True)
        (folder / "status").touch()
        (folder / "offered/Packages").write_text(_index(packages), encoding="utf-8")
        lines = [f"deb [trusted=yes] file:{folder}/offered ./", *sources]
        (folder / "etc/apt/sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        places = {
            "Dir": folder,
            "Dir::State::status": folder / "status",
            "Dir::State::lists": lists,
        }
        settings = {**_SETTINGS, **places}
        text = "".join(f'{key} "{value}";\n' for key, value in settings.items())
        (folder / "apt.conf").write_text(text, encoding="utf-8")
        self._run("update").check_returncode()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        own = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        return subprocess.run(
            ["apt-get", "-q", *arguments], env=own, capture_output=True, text=True, check=False
        )

    def refuses(self, names: Sequence[str]) -> str:
        """What apt says against installing those together, "" for nothing."""
        ran = self._run("--print-uris", "--yes", "--no-install-recommends", "install", *names)
        return ran.stdout[-1500:] + ran.stderr if ran.returncode else ""


def _index(packages: Iterable[Package]) -> str:
    stanzas = []
    for number, package in enumerate(packages):
        fields = {
            "Package": package.name,
            "Version": package.version,
            "Architecture": "amd64",
            **{name: ", ".join(values) for name, values in package.relations.items() if values},
            "Filename": f"{number}.deb",
            "Size": "1",
            "SHA256": 64 * "0",
        }
        stanzas.append("".join(f"{key}: {value}\n" for key, value in fields.items()))
    return "\n".join(stanzas)


class Pacman:
    """A machine's pacman with an archive of its own, and nothing installed."""

    def __init__(self, folder: Path, packages: Iterable[Package]) -> None:
        self.folder = folder
        (folder / "db/sync").mkdir(parents=True)
        (folder / "db/local").mkdir()
        (folder / "db/local/ALPM_DB_VERSION").write_text("9\n", encoding="utf-8")
        (folder / "pacman.conf").write_text(
            "[options]\nArchitecture = x86_64\nSigLevel = Never\n"
            f"[offered]\nServer = file://{folder}\n",
            encoding="utf-8",
        )
        with tarfile.open(folder / "db/sync/offered.db", "w:gz") as database:
            for package in packages:
                _add(database, package)

    def refuses(self, names: Sequence[str]) -> str:
        """What pacman says against installing those together, "" for nothing."""
        command = ["pacman", "--config", str(self.folder / "pacman.conf"), "--noconfirm"]
        command += ["--dbpath", str(self.folder / "db"), "--root", str(self.folder)]
        ran = to_the_end([*command, "--sync", "--print", *names], env={**os.environ, "LC_ALL": "C"})
        return ran.stdout + ran.stderr if ran.returncode else ""


_SECTIONS = {"depend": "DEPENDS", "provides": "PROVIDES", "conflict": "CONFLICTS"}


def _add(database: tarfile.TarFile, package: Package) -> None:
    """One package of pacman's database (alpm's format of `desc`)."""
    said = {
        "FILENAME": [f"{package.name}-{package.version}-x86_64.pkg.tar.gz"],
        "NAME": [package.name],
        "VERSION": [package.version],
        "CSIZE": ["1"],
        "ISIZE": ["1"],
        "ARCH": ["x86_64"],
    }
    for relation, section in _SECTIONS.items():
        said[section] = package.relations.get(relation, [])
    text = "".join(f"%{key}%\n" + "\n".join(value) + "\n\n" for key, value in said.items() if value)
    member = tarfile.TarInfo(f"{package.name}-{package.version}/desc")
    data = text.encode()
    member.size = len(data)
    database.addfile(member, io.BytesIO(data))


def missing(tool: str) -> str:
    """Why nothing can be resolved here, "" where it can."""
    return "" if shutil.which(tool) else f"{tool} is missing, whose resolver is asked"
