"""The site that `./run docs` makes of docs/: whole, at every width, all of it there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.browser import WIDTHS, look, overflowing, violations
from tests.support.program import to_the_end
from tests.support.validator import faults

DOCS = ROOT / "docs"
_COMMAND = r"-m (sphinx .*) docs docs/_site"


def build(docs: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Makes the site as `run` does."""
    script = (ROOT / "run").read_text(encoding="utf-8").replace("\\\n", " ")
    words = re.search(_COMMAND, script)
    assert words
    arguments = words[1].replace(".venv-docs/doctrees", f"{site}-trees").split()
    return to_the_end([sys.executable, "-m", *arguments, docs, site], cwd=ROOT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = build(DOCS, folder)
    assert done.returncode == 0, done.stderr
    return folder


def pages(site: Path) -> list[Path]:
    return [site / f"{path.stem}.html" for path in sorted(DOCS.glob("*.md"))]


def test_every_page_is_there_and_in_the_sidebar(site: Path) -> None:
    sidebar = (site / "index.html").read_text(encoding="utf-8")
    for page in pages(site):
        assert page.exists()
        assert page.stem == "index" or f'class="reference internal" href="{page.name}"' in sidebar


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r"""(?:src|srcset)=["']([^"']+)|<link[^>]*\bhref=["']([^"']+)""")
    for page in site.glob("*.html"):
        found = [a or b for a, b in loaded.findall(page.read_text(encoding="utf-8"))]
        assert found
        assert [each for each in found if re.match(r"[a-z]+:|//", each)] == [], page
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert [each for each in styles if re.search(r"url\(['\"]?(?:https?:)?//|@import", each)] == []


def test_each_is_valid(site: Path) -> None:
    # Furo has a level-one heading and an <article> on each, of which only the style is disputed.
    assert faults(sorted(site.glob("*.html")), warnings=False) == []


def test_nothing_is_wider_than_a_phone_a_tablet_or_a_screen(site: Path, tmp_path: Path) -> None:
    assert overflowing(look(tmp_path, pages(site), WIDTHS, axe=False)) == []


@pytest.mark.parametrize("dark", [False, True], ids=["by day", "by night"])
def test_everybody_can_read_it(site: Path, tmp_path: Path, dark: bool) -> None:
    # Of links, code and tables; the longest take axe minutes, and are made of the same.
    names = ["index", "own-models", *(() if dark else ("verdicts", "table", "fleet"))]
    seen = look(tmp_path, [site / f"{name}.html" for name in names], [800], dark=dark)
    assert violations(seen) == []
    assert min(each.passes for each in seen) > 10


def test_a_link_to_nothing_is_a_fault(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("conf.py", "exit-codes.md"):
        text = (DOCS / name).read_text(encoding="utf-8")
        text = text.replace("Path(__file__).resolve().parents[1]", repr(str(ROOT)))
        (docs / name).write_text(text, encoding="utf-8")
    index = docs / "index.md"
    whole = "# Docs\n\n[codes](exit-codes.md#exit-codes)\n\n## Pages\n\n- [Codes](exit-codes.md)\n"
    index.write_text(whole, encoding="utf-8")
    done = build(docs, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    wrong = ["nowhere.md", "exit-codes.md#nowhere", "#nowhere-here"]
    links = "".join(f"[nothing]({link})\n" for link in wrong)
    index.write_text(f"{whole}\n{links}", encoding="utf-8")
    done = build(docs, tmp_path / "site")
    assert done.returncode == 1
    assert len(re.findall(r"nowhere.*\[myst\.xref_missing\]", done.stderr)) == 3, done.stderr
