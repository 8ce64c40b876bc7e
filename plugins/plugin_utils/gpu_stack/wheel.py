"""A wheel of TensorFlow of the user's own, in place of the one that a stack's lock names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ..requirements import msgspec
from ..versions import numbers
from .options import RefusedError
from .request import Request
from .stack_rows import Stack

# No user and no query: both would be secrets, and the plan is there for everybody to read.
_PLACE = re.compile(r"(?:https://[\w.-]+(?::\d+)?)?/[^\s#?;\\'\"]*?([^\s#?;\\'\"/]+\.whl)")
_NAME = re.compile(  # PEP 427
    r"(?P<name>\w+)-(?P<version>\d+\.\d+[\w.+!]*)(?:-\d\w*)?"
    r"-(?P<python>[\w.]+)-(?P<abi>[\w.]+)-(?P<platforms>[\w.]+)\.whl"
)
_GLIBC = re.compile(r"manylinux(?:_(\d+)_(\d+)|(1|2010|2014))_(\w+)")
_OLDER = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}  # PEP 600
_OPTION = "plan_tensorflow_wheel"


@dataclass(frozen=True)
class Wheel:
    """A wheel, by what its address and its name say.

    place: "https://…", or a path on the host.  python: "3.12".
    glibc: by architecture the oldest C library.
    """

    place: str
    sha256: str
    version: str
    python: str
    glibc: dict[str, tuple[int, ...]]

    def __str__(self) -> str:
        return f"{self.place}#sha256={self.sha256}"


def parse(said: str) -> Wheel:
    """The wheel that the option names, as pip names one: its address, then its hash.

    Raises:
        RefusedError: it is no such thing, or no wheel of TensorFlow for CPython and Linux.
    """
    place, _sign, digest = said.partition("#")
    known = _PLACE.fullmatch(place)
    if not known:
        raise RefusedError(
            f"{_OPTION}={said}",
            "https://HOST/NAME.whl#sha256=HASH or /PATH/NAME.whl#sha256=HASH, a file on the host, "
            "without a password and without a query",
            "name it so",
        )
    sha256 = digest.lower().partition("sha256=")[2]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise RefusedError(
            f"{_OPTION}={place} with the hash «{digest}»",
            "#sha256= and 64 hexadecimal digits behind the name",
            "take what `sha256sum` prints of the wheel",
        )
    name = unquote(known.group(1))
    parts = _NAME.fullmatch(name)
    if not parts or parts["name"].lower() != "tensorflow":
        raise RefusedError(
            f"{_OPTION}={name}",
            "a wheel of the name tensorflow, as tensorflow-2.21.0-cp312-cp312-manylinux….whl",
            "build it with WHEEL_NAME=tensorflow, and do not rename it",
        )
    python = re.fullmatch(r"cp3(\d+)", parts["python"])
    if not python or parts["abi"] != parts["python"]:
        raise RefusedError(
            f"{_OPTION}={name}, for {parts['python']}-{parts['abi']}",
            "a wheel for one CPython, such as cp312-cp312",
            "build it for one",
        )
    return Wheel(
        place, sha256, parts["version"], f"3.{python[1]}", _libraries(name, parts["platforms"])
    )


def _libraries(name: str, platforms: str) -> dict[str, tuple[int, ...]]:
    """By architecture the oldest C library that the wheel takes."""
    found: dict[str, tuple[int, ...]] = {}
    for match in filter(None, map(_GLIBC.fullmatch, platforms.split("."))):
        glibc = _OLDER[match[3]] if match[3] else (int(match[1]), int(match[2]))
        found[match[4]] = min(glibc, found.get(match[4], glibc))
    if not found:
        raise RefusedError(
            f"{_OPTION}={name}, for {platforms}",
            "a wheel for manylinux, whose name says which C library it takes",
            "run `auditwheel repair` on it",
        )
    return found


def fitted(request: Request, stack: Stack) -> Stack:
    """The stack with the wheel that is asked for in it: what only its own wheel has is not known.

    Raises:
        RefusedError: the wheel is for another Python, machine or C library.
    """
    if not request.options.tensorflow_wheel:
        return stack
    own, facts = parse(request.options.tensorflow_wheel), request.facts
    said = own.place.rpartition("/")[2]
    if own.python not in stack.pythons:
        raise RefusedError(
            f"{_OPTION}={said}, for Python {own.python}",
            f"a wheel for Python {stack.pythons[0]} to {stack.pythons[-1]}, for which the rest of "
            f"the stack {stack.name} is locked",
            nearest=True,
        )
    if facts.architecture not in own.glibc:
        raise RefusedError(
            f"{_OPTION}={said}, for {' and '.join(own.glibc)}",
            f"a wheel for manylinux on {facts.architecture}",
            nearest=True,
        )
    glibc = own.glibc[facts.architecture]
    if numbers(facts.glibc) < glibc:
        raise RefusedError(
            f"glibc {facts.glibc}",
            f"glibc {'.'.join(map(str, glibc))} or newer, which {said} needs",
            nearest=True,
        )
    known = (
        f"from {own.place}, as plan_tensorflow_wheel asks: which GPUs and which CUDA it is built "
        "for is not known to Grindstone, and verify decides"
    )
    gpu = msgspec.structs.replace(stack.gpu, compiled=()) if stack.gpu else None
    return msgspec.structs.replace(
        stack, tensorflow=own.version, pythons=(own.python,), gpu=gpu, known=known
    )


def locked(lock: str, said: str) -> str:
    """The text of a lock with the wheel in place of its TensorFlow; as it is where none is said."""
    if not said:
        return lock
    own = parse(said)
    address = own.place if own.place.startswith("https:") else f"file://{quote(own.place)}"
    line = f"tensorflow @ {address} \\\n    --hash=sha256:{own.sha256}\n"
    head = r"^(?:tensorflow|tf-nightly)==.*\n(?:[ \t].*\n)*"
    if len(re.findall(head, lock, re.MULTILINE)) != 1:
        raise RefusedError("a lock without TensorFlow", "one with it", "run `./run lock`")
    return re.sub(head, lambda _head: line, lock, flags=re.MULTILINE)
