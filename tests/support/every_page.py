"""A page of every kind that is written, each with all that it may show."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.page.write import of_fleet, page, rendered, write
from bench.record.variant import Design, Variant
from tests.support import networks, pages, predicting
from tests.support.records import H100, failed, record, result

_AVERAGE = Variant(design=Design(pooling="average"))


def every(folder: Path) -> list[Path]:
    """Writes them."""
    run, learned, fleet, experiment = (
        folder / f"{name}.html" for name in ("run", "learned", "fleet", "experiment")
    )
    write(page([(pages.full(), None)]), run)
    failure = failed("post", H100, "<killed> & gone")
    curves, stepped = record([pages.learned(), failure]), record([result("mlp")])
    seen = [pages.shown(curves), pages.shown(stepped, pages.past(stepped, [1] * 9 + [1.6] * 6))]
    write(rendered(seen), learned)
    write(of_fleet(pages.fleet()), fleet)
    made = pages.experiment({None: [50, 55, 60, 52], _AVERAGE: [70, 76, 79, 73]})
    write(page([(made, None)]), experiment)
    return [run, learned, fleet, experiment, *_evaluations(folder)]


def _evaluations(folder: Path) -> list[Path]:
    """Of photographs, and of digits."""
    other = np.zeros((1, 4, 4, 3), np.uint8)
    of_photographs = networks.saved(folder / "models", trained_on=other, image=(4, 4, 3))
    of_digits = networks.saved(folder / "models", "mlp", mean=None)
    written = [folder / "photographs.html", folder / "digits.html"]
    shots = predicting.shots(folder / "shots", {20: 20, 30: 30, 40: 50})
    asked = ((of_photographs, shots), (of_digits, predicting.digits(folder / "digits")))
    for (model, data), html in zip(asked, written, strict=True):
        assert not predicting.asked(folder, "evaluate", model, data, f"--html={html}").returncode
    return written
