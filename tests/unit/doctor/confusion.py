"""Which symptom is taken for which, over every example and every pasted text.

python -m tests.unit.doctor.confusion
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from plugins.plugin_utils import row_files
from plugins.plugin_utils.gpu_doctor import rows
from plugins.plugin_utils.gpu_doctor.pasted import host_of, recognise

NOTHING = "nothing"
Pair = tuple[str, str]  # the symptom that it is, the one that is told


def corpus() -> Iterator[Pair]:
    """Of each example, of its halves and of each pasted text: what it is, and what is told."""
    for row in rows.symptoms():
        for text in row.examples:
            if isinstance(text, str) and not row.aside:
                middle = len(text) // 2
                for part in (text, text[:middle], text[middle:]):
                    yield row.name, told(part)
    for name in ("pasted.yml", "reports.yml", "runtime.yml", "systems.yml"):
        text = (Path(__file__).parent / name).read_text(encoding="utf-8")
        for case in row_files.parsed(text):
            yield case["is"], told(case["text"])


@functools.cache
def found(text: str) -> tuple[str, ...]:
    """The symptoms that are told of a text."""
    host = host_of(text, rows.knowledge())
    told = recognise(text, host, rows.symptoms(), rows.languages())
    return tuple(each.symptom for each in told)


def told(text: str) -> str:
    """The first of them."""
    return next(iter(found(text)), NOTHING)


def table(pairs: Iterable[Pair]) -> str:
    """What was told right, what was not known, and each confusion on a line."""
    counts = Counter(pairs)
    right = sum(count for (is_, said), count in counts.items() if is_ == said)
    unknown = sum(count for (is_, said), count in counts.items() if said == NOTHING != is_)
    wrong = {pair: n for pair, n in counts.items() if pair[0] != pair[1] != NOTHING}
    head = f"{right} right, {unknown} not known (most are halves), {sum(wrong.values())} confused"
    lines = [f"{n:4}  {is_:<45} told as  {said}" for (is_, said), n in sorted(wrong.items())]
    return "\n".join([head, *lines])


if __name__ == "__main__":
    print(table(corpus()))
