"""Pages in a browser, as wide as a phone, a tablet and a screen, by day and by night."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.browser import WIDTHS, look, overflowing, printed, violations
from tests.support.every_page import every
from tests.support.validator import faults


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return every(tmp_path_factory.mktemp("pages"))


def test_each_is_valid(pages: list[Path]) -> None:
    assert len(pages) == 6
    assert faults(pages) == []


def test_everybody_can_read_it(pages: list[Path], tmp_path: Path) -> None:
    seen = look(tmp_path, pages[:1])
    seen += look(tmp_path, pages[1:], [WIDTHS[0], WIDTHS[-1]])
    assert violations(seen) == []
    assert min(each.passes for each in seen) > 10
    assert overflowing(seen) == []


def test_by_night_too(pages: list[Path], tmp_path: Path) -> None:
    assert violations(look(tmp_path, pages, [1400], dark=True)) == []


_LINE = ".8275 .851 .8784"  # --line, which is drawn below a heading


def test_on_paper_no_heading_is_apart_from_what_it_heads(tmp_path: Path) -> None:
    style = (ROOT / "bench/page/style.css").read_text(encoding="utf-8")
    body = "<div style='height: 850px'></div><h2>mlp</h2><figure><div style='height: 300px'>it"
    for each, sheet in ((style, 1), (style.replace("break-after: avoid", ""), 0)):
        drawn = printed(tmp_path, f"<!doctype html><style>{each}</style>{body}</div></figure>")
        assert [_LINE in on for on in drawn] == [sheet == 0, sheet == 1]


def test_what_is_wrong_with_a_page_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    hardly = "<div style='width: 900px; color: #eee'>hardly seen</div>"
    image = "<img src='data:,' width='9' height='9'>"
    wrong.write_text(f"<!doctype html><h1>Wide</h1>{image}{hardly}", encoding="utf-8")
    seen = look(tmp_path, [wrong], [360])
    assert overflowing(seen) == ["wrong.html at 360: 908"]
    found = " ".join(violations(seen))
    for rule in ("image-alt", "color-contrast", "html-has-lang"):
        assert f": {rule}: " in found
    told = " ".join(faults([wrong]))
    assert "missing a required instance of child element “title”" in told
