"""The page in a browser, as wide as a phone, a tablet and a screen, by day and by night."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.page.write import write
from tests.support import pages
from tests.support.browser import look, overflowing, violations


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    write([(pages.full(), None)], path)
    return path


def test_everybody_can_read_it(page: Path, tmp_path: Path) -> None:
    seen = look(tmp_path, [page])
    assert violations(seen) == []
    assert min(each.passes for each in seen) > 10
    assert overflowing(seen) == []


def test_by_night_too(page: Path, tmp_path: Path) -> None:
    assert violations(look(tmp_path, [page], [1400], dark=True)) == []


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
