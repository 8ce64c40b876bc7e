"""`./run collection [FOLDER]`: the collection's archive, whose README is docs/collection.md.

The checkout's README speaks of `./run`, which is in no collection; so what galaxy.yml lets in is
copied, with the other README in its place, and built there.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def build(out: Path) -> Path:
    """Writes the archive into a folder.

    Raises:
        subprocess.CalledProcessError: ansible-galaxy fails, and says why.
    """
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="grindstone-") as name:
        stage(Path(name), galaxy["build_ignore"])
        command = [sys.executable, "-m", "ansible", "galaxy", "collection", "build", "--force"]
        subprocess.run([*command, "--output-path", str(out), name], check=True)
    return out / "{namespace}-{name}-{version}.tar.gz".format(**galaxy)


def stage(folder: Path, ignored: list[str]) -> None:
    """Copies what belongs to the collection."""
    for path in ROOT.iterdir():
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        else:
            shutil.copy(path, folder)
    page = (ROOT / "docs/collection.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(re.sub(r"\]\((?=[\w-]+\.md)", "](docs/", page), "utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
