"""What `./run docs` makes of this folder: a site that needs no network, with every link checked.

Sphinx with MyST, and not mkdocs-material: MkDocs has had no release since 2024, and Material's
authors end its support in November 2026.  Sphinx is kept, checks links and anchors between pages by
itself, and its search works on pages that are opened from a disk.  Furo loads nothing from
elsewhere.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bench

project = "Grindstone"
project_copyright = "The Grindstone authors"
version = release = bench.__version__

extensions = ["myst_parser"]
exclude_patterns = ["_site"]
highlight_language = "text"
html_theme = "furo"
html_title = f"Grindstone {release}"
html_copy_source = False
html_show_sphinx = False
myst_heading_anchors = 3
nitpicky = True


# What Sphinx and Furo leave out for who hears a page, or has no mouse: axe-core finds it.
_FOR_ALL = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}


def setup(app: Sphinx) -> None:
    """Hangs `contents` and `for_all` in."""
    app.connect("source-read", contents)
    app.connect("build-finished", for_all)


def for_all(app: Sphinx, failed: Exception | None) -> None:
    """Adds to the pages that were written what they lack."""
    for page in () if failed else Path(app.outdir).glob("*.html"):
        text = page.read_text(encoding="utf-8")
        for lacks, has in _FOR_ALL.items():
            text = text.replace(lacks, has)
        page.write_text(text, encoding="utf-8")


def contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Makes the sidebar of the lists that index.md has for every reader: each heading a part."""
    if page != "index":
        return
    made = []
    for part in re.split(r"^## ", source[0], flags=re.MULTILINE)[1:]:
        pages = "\n".join(re.findall(r"^- \[.*?\]\(([\w-]+)\.md\)", part, re.MULTILINE))
        made.append(f"```{{toctree}}\n:hidden:\n:caption: {part.splitlines()[0]}\n\n{pages}\n```\n")
    source[0] += "\n" + "\n".join(made)
