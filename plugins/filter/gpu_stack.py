"""The doors from a playbook to the resolver in plugin_utils/gpu_stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

from ..plugin_utils.gpu_stack.block import describe
from ..plugin_utils.gpu_stack.load import load
from ..plugin_utils.gpu_stack.options import Options, RefusedError
from ..plugin_utils.gpu_stack.resolve import resolve
from ..plugin_utils.gpu_stack.table import row, table
from ..plugin_utils.gpu_stack.wheel import locked
from ..plugin_utils.host_facts import parse
from ..plugin_utils.typed import InvalidDataError, decode


def gpu_stack(
    found: dict[str, Any],
    options: dict[str, Any],
    matrix: dict[str, list[dict[str, Any]]],
    host: str,
) -> dict[str, Any]:
    """The plan's fields, or why there is none in `refusal`.

    With them come what of the record is `persisted`, the plan as a `block` of lines, and its `row`
    for the table of many.
    """
    try:
        rows = load(matrix)
        facts = parse(found)
        plan = resolve(facts, decode(options, Options, "the options"), rows)
    except (RefusedError, InvalidDataError) as refused:
        return _text({"refusal": str(refused)})
    texts = {"block": describe(plan, facts, rows, host), "row": row(plan, facts, rows)}
    return _text({"refusal": "", **texts, **plan.to_builtins()})


def _text(result: dict[str, Any]) -> dict[str, Any]:
    """A host's names are among it: Ansible must not take them for templates."""
    text: dict[str, Any] = wrap_var(result)
    return text


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.gpu_stack` and so on."""
        return {"gpu_stack": gpu_stack, "plan_table": table, "lock_with_wheel": locked}
