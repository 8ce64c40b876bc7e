"""The interpreter that TensorFlow, or what else trains, runs on."""

from __future__ import annotations

from .options import RefusedError
from .plan import UV
from .request import Request
from .stack_rows import TITLES, Stack


def _other(request: Request, python: str) -> str:
    """Advice: the stack on request that takes that Python, if there is one; else ""."""
    named = [
        f", or for plan_tensorflow={row.name}, which is {row.tensorflow}"
        for row in request.matrix.stacks
        if row.pinned and python in row.pythons and row.gpu and row.tensorflow
        if request.has_gpu and all(row.gpu.takes(gpu) for gpu in request.gpus)
    ]
    return "".join(named[:1])


def interpreter(request: Request, stack: Stack) -> tuple[str, str, str]:
    """The Python's version, the interpreter to make the environment with, and why that one.

    Raises:
        RefusedError: the stack does not take the Python that is asked for.
    """
    option, taken, trains = request.options.python, stack.pythons, TITLES[stack.framework]
    span = " to ".join(dict.fromkeys([taken[0], taken[-1]]))
    asked = "3.10" if option == "3.1" else option
    if asked and asked not in taken:
        raise RefusedError(
            f"plan_python={option}",
            f"a Python that {stack.title} takes, {span}",
            f"ask for one of these{_other(request, asked)}",
            nearest=True,
        )
    wanted = (asked,) if asked else taken
    fitting = [each for each in request.facts.pythons if each.version in wanted and each.whole]
    own = request.facts.python3
    chosen = own if own in fitting else next(reversed(fitting), None)
    version, base = (chosen.version, chosen.path) if chosen else (wanted[-1], UV)
    if option:
        return version, base, "as plan_python asks"
    if own is None:
        return version, base, "there is no python3"
    if chosen == own:
        name = request.system.name
        return version, base, f"{name}'s own python3, in {trains}'s range {span}"
    whole = "" if own.whole else " without its whole standard library"
    return version, base, f"python3 is {own.version}{whole}; {trains} takes {span}"
