"""The page in a browser, as wide as a phone, a tablet and a screen, by day and by night."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import axe_core_python
import pytest

from bench.page.write import write
from tests.support import pages
from tests.support.browser import chromium, overflowing

_AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
# Written into the page when all is measured: the browser prints what the page has become.
_MEASURE = """
<script>%s</script>
<script>
window.addEventListener("load", async () => {
  const checked = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "best-practice"]});
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = JSON.stringify({
    width: document.documentElement.clientWidth,
    content: document.documentElement.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    violations: checked.violations.map(each => [each.id, each.nodes[0].html.slice(0, 200)]),
    passes: checked.passes.length,
  });
  document.body.append(found);
});
</script>
</body>"""


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page.

    found: as it was measured there; said: what it wrote to its console.
    """

    found: dict[str, Any]
    said: list[str]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    write([(pages.full(), None)], path)
    measured = path.with_name("measured.html")
    script = _MEASURE % _AXE.read_text(encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("</body>", script)
    measured.write_text(text, encoding="utf-8")
    return measured


def look(page: Path, width: int, *options: str) -> Seen:
    ended = subprocess.run(
        [
            *(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            *(f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=60000"),
            *(f"--window-size={width},900", *options, "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert found, ended.stderr
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return Seen(json.loads(text), re.findall(r".*CONSOLE.*", ended.stderr))


@pytest.mark.parametrize("width", [500, 800, 1400])
def test_everybody_can_read_it(page: Path, width: int) -> None:
    seen = look(page, width)
    assert seen.found["violations"] == []
    assert seen.found["passes"] > 10
    assert seen.found["content"] <= seen.found["width"]
    assert seen.said == []


def test_nothing_is_wider_than_a_phone(page: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.html"
    wide.write_text("<h1>Wide</h1><div style='width: 900px'>x</div>", encoding="utf-8")
    (found,) = overflowing(tmp_path, [page.with_name("page.html"), wide], [360])
    assert found.startswith("wide.html at 360: 9")


def test_by_night_too(page: Path) -> None:
    seen = look(page, 1400, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")
    assert seen.found["dark"]
    assert seen.found["violations"] == []
