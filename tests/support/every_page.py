"""A page of every kind that is written, each with all that it may show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec.structs import replace

from bench.page.write import of_fleet, page, rendered, write
from bench.record.model import Record
from bench.record.variant import Design, Variant
from bench.report.fleet.reading import Fleet, Member
from tests.support import networks, pages, predicting
from tests.support.records import H100, epochs, failed, record, result

_AVERAGE = Variant(design=Design(pooling="average"))


def every(folder: Path) -> list[Path]:
    """Writes them."""
    run, learned, fleet, experiment = (
        folder / f"{name}.html" for name in ("run", "learned", "fleet", "experiment")
    )
    write(page([(pages.full(), None)]), run)
    curves, stepped = _learned(), record([result("mlp")])
    seen = [pages.shown(curves), pages.shown(stepped, pages.past(stepped, [1] * 9 + [1.6] * 6))]
    write(rendered(seen), learned)
    write(of_fleet(_fleet()), fleet)
    made = pages.experiment({None: [50, 55, 60, 52], _AVERAGE: [70, 76, 79, 73]})
    write(page([(made, None)]), experiment)
    return [run, learned, fleet, experiment, *_evaluations(folder)]


def _learned() -> Record:
    """A curve that dips and overfits, on a CPU, beside a training that failed."""
    timed = replace(
        epochs([1.0] * 12),
        quality=(0.95, 0.98, 0.97, 0.982, 0.981, 0.98, 0.981, 0.965, 0.964, 0.963, 0.962, 0.961),
        training=(0.1, *(0.95 + 0.004 * number for number in range(12))),
        loss=tuple(1 / number for number in range(1, 13)),
    )
    return record([replace(result("mlp"), epochs=timed), failed("post", H100, "<killed> & gone")])


def _fleet() -> Fleet:
    """Three hosts, one of them odd, and one without a record."""
    hosts = tuple(
        Member(f"gpu{n}", Path(f"gpu{n}.json"), record([result("mlp", H100, seconds=(2, t, t))]))
        for n, t in enumerate((1.0, 1.0, 1.2), start=1)
    )
    return Fleet(hosts, {"gpu4": "it could not be reached"})


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
