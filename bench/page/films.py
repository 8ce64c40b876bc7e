"""Films of networks that learn: the animated picture, and a strip of its frames for paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from bench.page.plots import Plot
from bench.record.model import Finished
from bench.runner import film as films

_LARGEST = 32 << 20  # bytes; forty frames are two or three millions


def shown(own: Sequence[Finished], record: Path | None) -> Iterator[Plot]:
    """The film of each training that has one beside its record."""
    for each in own:
        if each.film is None or record is None:
            continue
        path = record.with_name(Path(each.film.file).name)
        where = f"{each.workload} on {each.device.id}{each.way.suffix}"
        steps = each.film.steps
        told = (
            f"{len(steps)} frames, from before the first step to step {steps[-1]}: the image and "
            "the output, features of chosen layers, the weights of the first one"
        )
        try:
            data = _read(path)
            strip, frames = films.strip(path)
        except (OSError, ValueError, EOFError):
            continue  # it was taken away, or is none: the record alone says what there was
        packed = io.BytesIO()
        strip.save(packed, "PNG")
        yield Plot(f"{where}: learning, watched", f"{told} ({path.name}).", image("gif", data))
        chosen = ", ".join(str(steps[frame]) for frame in frames if frame < len(steps))
        sentence = f"The output after {chosen} steps."
        yield Plot(f"{where}: a strip of it", sentence, image("png", packed.getvalue()))


def _read(path: Path) -> bytes:
    if path.suffix != ".gif" or path.stat().st_size > _LARGEST:
        raise ValueError(path)
    return path.read_bytes()


def image(kind: str, data: bytes) -> Markup:
    """A picture in the page itself; the sentence below it says what it shows."""
    packed = base64.b64encode(data).decode("ascii")
    return Markup('<img alt="" src="data:image/{};base64,{}">').format(kind, packed)
