"""Several GPUs that train one network: what they did together, in the shape of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from bench.record.fields import Part
from bench.record.measured import Measured, known
from bench.record.telemetry import Clocks, Pcie, Reasons, RemappedRows, Throttled

P = TypeVar("P", bound=Part)


def together(parts: Sequence[P]) -> P:
    """One part out of one a GPU; what is no value is the first one's.

    Energy, power and memory are added up.  Clocks, limits and links are the lowest, temperature
    and throttling the highest: the slowest GPU is the one that the others wait for.  What one of
    them does not tell is not told of all.
    """
    rule = _RULES_OF_PARTS.get(type(parts[0]))
    joined = {
        name: _joined([getattr(part, name) for part in parts], rule or _RULES.get(name, sum))
        for name in parts[0].__struct_fields__
    }
    return replace(parts[0], **joined)


def _joined(members: Sequence[Any], rule: Callable[[list[Any]], Any]) -> Any:
    if isinstance(members[0], Measured):
        return _value(members, rule)
    return together(members) if isinstance(members[0], Part) else members[0]


def _value(values: Sequence[Measured[Any]], rule: Callable[[list[Any]], Any]) -> Measured[Any]:
    for value in values:
        if value.value is None:
            return value
    return known(rule([value.value for value in values]))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _words(values: list[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _rows(values: list[RemappedRows]) -> RemappedRows:
    return RemappedRows(
        corrected=sum(rows.corrected for rows in values),
        uncorrected=sum(rows.uncorrected for rows in values),
        pending=any(rows.pending for rows in values),
        failed=any(rows.failed for rows in values),
    )


def _all(values: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(process for processes in values for process in processes)


_RULES_OF_PARTS: dict[type, Callable[[list[Any]], Any]] = {
    Clocks: min,
    Pcie: min,
    Throttled: max,
    Reasons: max,
}
_RULES: dict[str, Callable[[list[Any]], Any]] = {
    "source": _words,
    "limit": min,
    "default_limit": min,
    "limit_share": min,
    "temperature": max,
    "busy": _mean,
    "remapped_rows": _rows,
    "processes": _all,
}
