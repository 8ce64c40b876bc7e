"""Pages in a browser, as wide as a phone too, which no window of it can be: in frames."""

from __future__ import annotations

import contextlib
import html
import json
import re
import shutil
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import axe_core_python

# A phone, a tablet, a screen.
WIDTHS = (360, 800, 1400)

_AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
_DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")
_FRAMES = """<!doctype html><body><script>
const [pages, widths, axe, options] = %s, found = [];
(async () => {
  for (const page of pages) for (const width of widths) {
    const frame = document.createElement("iframe");
    frame.style = `border: 0; width: ${width}px; height: 900px`;
    frame.src = page;
    await new Promise(loaded => { frame.onload = loaded; document.body.append(frame); });
    const there = frame.contentWindow, root = there.document.documentElement;
    const seen = {
      page, width,
      content: root.scrollWidth,
      headings: root.querySelectorAll("h1").length,
      dark: there.matchMedia("(prefers-color-scheme: dark)").matches,
      passes: 0,
      violations: [],
    };
    if (axe) {
      there.eval(axe);
      const checked = await there.axe.run(there.document, options);
      seen.passes = checked.passes.length;
      seen.violations = checked.violations.map(
        each => `${each.id}: ${each.nodes[0].html.slice(0, 200)}`);
    }
    found.push(seen);
    frame.remove();
  }
  const told = document.createElement("pre");
  told.id = "found";
  told.textContent = JSON.stringify(found);
  document.body.append(told);
})();
</script></body>"""


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page at a width.

    content: how wide what is on it is.
    headings: of the first level.
    passes, violations: axe-core's rules for who cannot see it, or not as others do.
    """

    page: str
    width: int
    content: int
    headings: int
    dark: bool
    passes: int
    violations: list[str]


def chromium() -> str:
    """Its path."""
    found = shutil.which("chromium")
    assert found, "chromium is not here; .ci/run installs it"
    return found


def look(
    folder: Path,
    pages: Sequence[Path],
    widths: Sequence[int] = WIDTHS,
    *,
    axe: bool = True,
    dark: bool = False,
) -> list[Seen]:
    """What the browser makes of each page at each width; it must not complain of any.

    folder: where the browser may write.
    axe: whether axe-core looks for what a person cannot see or reach.
    """
    options = {"runOnly": ["wcag2a", "wcag2aa", "best-practice"]}
    script = _AXE.read_text(encoding="utf-8") if axe else None
    asked = json.dumps([[page.as_uri() for page in pages], widths, script, options])
    frames = folder / "frames.html"
    frames.write_text(_FRAMES % asked.replace("</", "<\\/"), encoding="utf-8")
    ended = subprocess.run(
        [
            *(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,1000"),
            *("--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"),
            *("--enable-logging=stderr", "--virtual-time-budget=120000", *(_DARK if dark else ())),
            *("--dump-dom", frames.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    told = re.search(r'<pre id="found">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert told, ended.stderr
    assert not re.findall(r".*CONSOLE.*", ended.stderr)
    found = [Seen(**each) for each in json.loads(html.unescape(told[1]))]
    assert len(found) == len(pages) * len(widths)
    assert all(each.headings == 1 and each.dark == dark for each in found), found
    assert not axe or all(each.passes for each in found), found
    return found


def overflowing(seen: Sequence[Seen]) -> list[str]:
    """The pages, as `NAME at WIDTH: CONTENT`, whose content is wider than they are shown."""
    return [
        f"{each.page.rpartition('/')[2]} at {each.width}: {each.content}"
        for each in seen
        if each.content > each.width
    ]


def violations(seen: Sequence[Seen]) -> list[str]:
    """What axe-core has found, each on its page."""
    return [f"{each.page}: {told}" for each in seen for told in each.violations]


def printed(folder: Path, text: str) -> list[str]:
    """What is drawn on each sheet of paper, in PDF's operators.

    folder: where the browser may write.
    """
    page, paper = folder / "page.html", folder / "page.pdf"
    page.write_text(text, encoding="utf-8")
    subprocess.run(
        [
            *(chromium(), "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={paper}"),
            *("--no-pdf-header-footer", page.as_uri()),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    streams = re.findall(rb"stream\r?\n(.*?)endstream", paper.read_bytes(), re.DOTALL)
    drawn = []
    for stream in streams:
        with contextlib.suppress(zlib.error):
            drawn.append(zlib.decompress(stream).decode("latin-1"))
    return [each for each in drawn if " cm\n" in each]
