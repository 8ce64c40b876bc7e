"""The README's pictures: small, nothing in them from elsewhere, and of the run they are made of."""

from __future__ import annotations

import re
from pathlib import Path

import html5lib

from bench.record import codec
from docs import screenshots
from tests.conftest import ROOT
from tests.support.records import CPU, record, result

COMMITTED = sorted((ROOT / "docs/pictures").iterdir())


def test_those_in_the_readme_are_there_and_small() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]{40,}\]\((docs/pictures/[\w.]+)\)", readme)
    assert sorted(ROOT / name for name in shown) == COMMITTED
    assert sum(path.stat().st_size for path in COMMITTED) < 400_000


def test_a_table_is_drawn_with_its_rows_and_loads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.svg"
    screenshots.table(record([result("mlp", device=CPU), result("convnet", device=CPU)]), path)
    text = path.read_text(encoding="utf-8")
    assert "@font-face" not in text
    assert re.findall(r"url\((?!#)|href=", text) == []
    words = "".join(html5lib.parse(text, namespaceHTMLElements=False).itertext())
    assert "mlp" in words
    assert "convnet" in words
    assert "results/20" in words


def test_the_table_of_the_readme_is_that_of_the_example_record(tmp_path: Path) -> None:
    screenshots.table(codec.read(screenshots.RECORD), tmp_path / "table.svg")
    drawn = (tmp_path / "table.svg").read_text(encoding="utf-8")
    assert drawn == (screenshots.PICTURES / "table.svg").read_text(encoding="utf-8"), (
        "draw it anew: ./run docs --pictures"
    )
