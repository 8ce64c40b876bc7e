"""What a playbook asks of the resolver: see plugins/filter/imported.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

from ..host_facts import parse
from ..typed import InvalidDataError, decode
from ..variable_names import misspelled
from .block import describe
from .load import load
from .options import Options, RefusedError
from .resolve import resolve
from .table import row


def gpu_stack(
    found: dict[str, Any],
    options: dict[str, Any],
    matrix: dict[str, list[dict[str, Any]]],
    host: str,
    variables: Iterable[str] = (),
) -> dict[str, Any]:
    """The plan's fields, or why there is none in `refusal`.

    With them come what of the record is `persisted`, the plan as a `block` of lines, and its `row`
    for the table of many.

    variables: the names of all that the host has.
    """
    if refusal := misspelled(variables):
        return _text({"refusal": refusal})
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
