"""`./run docs --pictures`: the README's pictures, drawn from the example record, docs/record.json.

That is the record of a real run, made one for other people (`python -m bench share`): no picture
tells whose machine it was.  Needs chromium for the page.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from rich import _export_format
from rich.console import Console
from rich.text import Text

from bench.page import write
from bench.record import codec
from bench.record.model import Record
from bench.report import summary
from bench.report.format import Screen

DOCS = Path(__file__).resolve().parent
RECORD, PICTURES = DOCS / "record.json", DOCS / "pictures"
_COLUMNS = 100
_PAGE = 1100, 1250
# Rich's own loads a font from elsewhere.
_FONT = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
_SVG = _FONT.sub("", _export_format.CONSOLE_SVG_FORMAT).replace("Fira Code, ", "ui-monospace, ")


def main() -> None:
    """Draws both."""
    record = codec.read(RECORD)
    PICTURES.mkdir(exist_ok=True)
    table(record, PICTURES / "table.svg")
    with tempfile.TemporaryDirectory(prefix="grindstone-") as folder:
        page(record, Path(folder), PICTURES / "page.png")


def table(record: Record, path: Path) -> None:
    """What a terminal shows at a run's end."""
    screen = Screen(width=_COLUMNS, colours=True, pictures=True)
    file = Path("results", f"{record.started:%Y%m%dT%H%M%SZ}.json")
    beside = file.with_suffix(".html")
    told = summary.text(record, file, screen, page=beside, verbose=False).rstrip()
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(told))
    made = console.export_svg(title="./run bench", code_format=_SVG, unique_id="table")
    path.write_text(f"{made}\n", encoding="utf-8")


def page(record: Record, folder: Path, path: Path) -> None:
    """The top of its page.

    Raises:
        SystemExit: there is no browser.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("docs: found no chromium, which draws the page: install it")
    write.write(write.page([(record, None)]), folder / "page.html")
    width, height = _PAGE
    subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}"),
            *(f"--screenshot={folder / 'page.png'}", (folder / "page.html").as_uri()),
        ],
        capture_output=True,
        check=True,
    )
    with Image.open(folder / "page.png") as drawn:
        drawn.convert("RGB").quantize(64, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)


if __name__ == "__main__":
    main()
