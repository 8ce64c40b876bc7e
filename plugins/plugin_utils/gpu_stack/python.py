"""The interpreter that TensorFlow runs on."""

from __future__ import annotations

from .model import UV, Facts, RefusedError, Row, Wishes


def interpreter(found: Facts, wishes: Wishes, stack: Row, system: Row) -> tuple[str, str, str]:
    """The Python's version, the interpreter to make the environment with, and why that one.

    Raises:
        RefusedError: the stack does not take the Python that is wished for.
    """
    taken = stack["pythons"]
    span = f"{taken[0]} to {taken[-1]}"
    asked = "3.10" if wishes.python == "3.1" else wishes.python
    if asked and asked not in taken:
        raise RefusedError(
            f"plan_python={wishes.python}",
            f"a Python that TensorFlow {stack['tensorflow']} takes, {span}",
            "ask for one of these",
            nearest=True,
        )
    wanted = [asked] if asked else taken
    fitting = [
        python for python in found["pythons"] if python["version"] in wanted and python["whole"]
    ]
    own = default(found)
    chosen = own if own in fitting else (fitting or [None])[-1]
    version, base = (chosen["version"], chosen["path"]) if chosen else (wanted[-1], UV)
    if wishes.python:
        return version, base, "as plan_python asks"
    if chosen and chosen == own:
        return version, base, f"{system['name']}'s own python3, in TensorFlow's range {span}"
    if not own:
        return version, base, "there is no python3"
    whole = "" if own["whole"] else " without its whole standard library"
    return version, base, f"python3 is {own['version']}{whole}; TensorFlow takes {span}"


def default(found: Facts) -> Facts | None:
    """The interpreter that `python3` means."""
    return next((python for python in found["pythons"] if python["default"]), None)
