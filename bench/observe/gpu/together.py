"""Several GPUs that train one network: what they did together, in the shape of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.observe.measured import Measured, known

_Tree = Mapping[str, Any]


def together(trees: Sequence[_Tree]) -> dict[str, Any]:
    """One tree of values out of one a GPU.

    Energy, power and memory are added up.  Clocks, limits and links are the lowest, temperature
    and throttling the highest: the slowest GPU is the one that the others wait for.  What one of
    them does not tell is not told of all.
    """
    return {name: _joined(name, [tree[name] for tree in trees]) for name in trees[0]}


def _joined(name: str, branches: Sequence[Any]) -> Any:
    if isinstance(branches[0], Measured):
        return _leaf(branches, _RULES.get(name, sum))
    rule = _RULES_OF_BRANCHES.get(name)
    if rule is None:
        return together(branches)
    return {each: _leaf([branch[each] for branch in branches], rule) for each in branches[0]}


def _leaf(values: Sequence[Measured], rule: Callable[[list[Any]], Any]) -> Measured:
    for value in values:
        if value.why is not None:
            return value
    return known(rule([value.value for value in values]))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _words(values: list[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _rows(values: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "corrected": sum(rows["corrected"] for rows in values),
        "uncorrected": sum(rows["uncorrected"] for rows in values),
        "pending": any(rows["pending"] for rows in values),
        "failed": any(rows["failed"] for rows in values),
    }


def _all(values: list[list[Any]]) -> list[Any]:
    return [process for processes in values for process in processes]


_RULES_OF_BRANCHES: dict[str, Callable[[list[Any]], Any]] = {
    "clocks": min,
    "pcie": min,
    "throttled": max,
    "reasons": max,
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
