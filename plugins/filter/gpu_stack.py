"""The door from a playbook to the resolver in module_utils/gpu_stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils.gpu_stack import Matrix, RefusedError, Wishes, describe, resolve


def gpu_stack(
    found: dict[str, Any],
    wishes: dict[str, Any],
    matrix: dict[str, list[dict[str, Any]]],
    host: str,
) -> dict[str, Any]:
    """The plan's fields, what of it `lasts`, and its `block`, or why there is none in `refusal`."""
    try:
        plan = resolve(found, Wishes(**wishes), Matrix(**matrix))
    except RefusedError as refused:
        return {"refusal": str(refused)}
    block = describe(plan, found, host)
    return {"refusal": "", "block": block, "lasting": plan.lasting, **vars(plan)}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.gpu_stack`."""
        return {"gpu_stack": gpu_stack}
