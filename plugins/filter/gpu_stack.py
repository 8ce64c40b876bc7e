"""The doors from a playbook to the resolver in plugin_utils/gpu_stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils.gpu_stack import Matrix, RefusedError, Wishes, describe, resolve, row, table


def gpu_stack(
    found: dict[str, Any],
    wishes: dict[str, Any],
    matrix: dict[str, list[dict[str, Any]]],
    host: str,
) -> dict[str, Any]:
    """The plan's fields, or why there is none in `refusal`.

    With them come what of the record is `lasting`, the plan as a `block` of text, and its `row` for
    the table of many.
    """
    try:
        plan = resolve(found, Wishes(**wishes), Matrix(**matrix))
    except RefusedError as refused:
        return {"refusal": str(refused)}
    texts = {"block": describe(plan, found, host), "row": row(plan, found)}
    return {"refusal": "", **texts, "lasting": plan.lasting, **vars(plan)}


def plan_table(results: dict[str, dict[str, Any]]) -> str:
    """The plans of many hosts as one table."""
    return table(results)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.gpu_stack` and `….plan_table`."""
        return {"gpu_stack": gpu_stack, "plan_table": plan_table}
