"""How wide pages are where a browser is as wide as a phone, which no window of it can be."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_FRAMES = """<!doctype html><body><script>
const [pages, widths] = %s, wide = [];
(async () => {
  for (const page of pages) for (const width of widths) {
    const frame = document.createElement("iframe");
    frame.style = `border: 0; width: ${width}px; height: 900px`;
    frame.src = page;
    await new Promise(loaded => { frame.onload = loaded; document.body.append(frame); });
    const root = frame.contentDocument.documentElement;
    wide.push([page, width, root.scrollWidth, root.querySelectorAll("h1").length]);
    frame.remove();
  }
  const told = document.createElement("pre");
  told.id = "found";
  told.textContent = JSON.stringify(wide);
  document.body.append(told);
})();
</script></body>"""


def chromium() -> str:
    """Its path."""
    found = shutil.which("chromium")
    assert found, "chromium is not here; .ci/run installs it"
    return found


def overflowing(folder: Path, pages: Sequence[Path], widths: Sequence[int]) -> list[str]:
    """The pages, as `NAME at WIDTH: CONTENT`, whose content is wider than they are shown.

    folder: where the browser may write.
    """
    asked = json.dumps([[page.as_uri() for page in pages], widths])
    frames = folder / "frames.html"
    frames.write_text(_FRAMES % asked, encoding="utf-8")
    ended = subprocess.run(
        [
            *(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,1000"),
            *("--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"),
            *("--virtual-time-budget=120000", "--dump-dom", frames.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    told = re.search(r'<pre id="found">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert told, ended.stderr
    found = json.loads(html.unescape(told[1]))
    assert len(found) == len(pages) * len(widths)
    assert all(headings == 1 for *_, headings in found), found
    return [
        f"{page.rpartition('/')[2]} at {width}: {content}"
        for page, width, content, _ in found
        if content > width
    ]
