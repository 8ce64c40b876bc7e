"""A record for other people: without what tells whose machine it was, or where things lie on it.

Members that hold such things are known by name.  All other strings, from a traceback to a
variable of the environment, are looked through: they may quote the same things.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import msgspec

from bench.record.head import WITHHELD
from bench.record.model import Record

_PATHS = ("interpreter", "worker_python", "second_worker", "path", "workloads[]")
_FOLDERS = ("data_dir", "folder", "against")
# Words of a command line, which may name files from where somebody stood.
_OPTIONS = ("words[]", "settings.rerun_options[]")
_NAMES_A_PATH = re.compile(r"(|--?[\w-]+=)(?!-|.*://)[^=]*/")
# No record is told by these words of `against`.
_NO_FILE = ("last", "best")
# Accounts that are nobody's.
_NOBODY = {"root", "user", "admin", "ubuntu", "debian", "arch", "runner"}

_HOME = re.compile(r"^/(?:[\w.-]+/)*?(?:home|Users)/([^/]+)")
# Not `images/s` and `/device:GPU:0`, and not the kernel's own files, which are alike everywhere.
_PATH = (
    r"(?<![\w/.<>~-])(?:~[\w.-]*)?/"
    r"(?!(?:dev|proc|sys)/|(?:job|replica|task|device|physical_device):)"
)
_PATTERNS = tuple(
    (what, re.compile(pattern), instead)
    for what, pattern, instead in (
        ("addresses", r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>`)]+", "<address>"),
        ("addresses", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "<address>"),
        ("paths", rf"(?<=['\"`]){_PATH}[^'\"`\n]+(?=['\"`])", "<path>"),
        ("paths", rf"{_PATH}[^\s'\"`,;:()\[\]<>]+", "<path>"),
        ("UUIDs", r"\b(?:GPU-|MIG-)?[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}", "<uuid>"),
        ("UUIDs", r"\bMIG-GPU-[\w-]+(?:/\d+)*", "<uuid>"),
        ("addresses", r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b", "<address>"),
        ("addresses", r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b(?!\.\d|[-\w])", "<address>"),
        ("addresses", r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){1,7}:[0-9a-fA-F:]+(?![\w:])", "<address>"),
        (
            "serial numbers",
            r"(?i)(?<=serial)(?: number| no\.?)?[:= ]+(?=\S*\d)[\w-]+",
            ": <serial>",
        ),
    )
)


@dataclass(slots=True)
class _Withheld:
    """What is looked for in texts, and what was found.

    names: of the host, of users, and of paths as members hold them, by what they are.
    found: how often something was taken out of a member, by what it was.
    """

    names: dict[str, str] = field(default_factory=dict)
    processes: set[str] = field(default_factory=set)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, what: str, member: str, instead: Any) -> Any:
        """Notes it, and gives what stands in its place."""
        self.found[what, member] += 1
        return instead


def shared(record: Record, users: Iterable[str] = ()) -> tuple[Record, list[str]]:
    """The record without all that, and a line for each kind of thing that was taken out.

    users: names of people to take out, beside those whose folders the record names.
    """
    tree = msgspec.json.decode(msgspec.json.encode(record))
    withheld = _Withheld()
    _learn(tree, withheld)
    _name(withheld, "host names", tree["machine"]["host"])
    _name(withheld, "host names", tree["machine"]["host"].partition(".")[0])
    _name(withheld, "host names", tree["settings"].get("host") or "")
    for result in tree["results"]:
        for name in (result.get("machines") or {}).get("names", ()):
            _name(withheld, "host names", name)
    for user in users:
        _name(withheld, "user names", user)
    made = msgspec.convert(_cleaned(tree, "", withheld), Record)
    return made, list(_told(withheld))


def _learn(tree: Any, withheld: _Withheld) -> None:
    """Notes what members hold that texts may quote."""
    for member, value in _strings(tree, ""):
        name = member.rpartition(".")[2]
        if name in (*_PATHS, *_FOLDERS) and value not in _NO_FILE:
            if "/" in value:
                withheld.names[value] = "paths"
            if home := _HOME.match(value):
                _name(withheld, "user names", home[1])
        elif member.endswith("processes.value[].name"):
            withheld.processes.add(value)
        for home in re.finditer(r"/(?:home|Users)/([\w.-]+)", value):
            _name(withheld, "user names", home[1])


def _name(withheld: _Withheld, what: str, name: str) -> None:
    if len(name) > 1 and name.lower() not in _NOBODY and name != WITHHELD:
        withheld.names.setdefault(name, what)


def _strings(value: Any, member: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, branch in value.items():
            yield from _strings(branch, f"{member}.{name}" if member else name)
    elif isinstance(value, list):
        for branch in value:
            yield from _strings(branch, f"{member}[]")
    elif isinstance(value, str):
        yield member, value


def _cleaned(value: Any, member: str, withheld: _Withheld) -> Any:
    """A branch of the record without what is to be taken out."""
    if isinstance(value, dict):
        return {
            name: _cleaned(branch, f"{member}.{name}" if member else name, withheld)
            for name, branch in value.items()
        }
    name = member.rpartition(".")[2]
    if isinstance(value, list):
        if name == "uuids" and value:
            return withheld.take("UUIDs", member, [])
        return [_cleaned(branch, f"{member}[]", withheld) for branch in value]
    if not isinstance(value, str):
        return value
    if member == "settings.host":
        return withheld.take("host names", member, None)
    if member == "machine.host" or member.endswith("].machines.names[]"):
        return withheld.take("host names", member, WITHHELD)
    if member.endswith("processes.value[].name"):
        return withheld.take("names of other processes", member, None)
    if member in _OPTIONS and (found := _NAMES_A_PATH.match(value)):
        return withheld.take("paths", member, f"{found[1]}<path>")
    if name in _PATHS:
        return _of_path(PurePosixPath(value).name or WITHHELD, value, member, withheld)
    if name in _FOLDERS and value not in _NO_FILE:
        return _of_path(WITHHELD, value, member, withheld)
    return _text(value, member, withheld)


def _of_path(instead: str, value: str, member: str, withheld: _Withheld) -> str:
    made: str = instead if instead == value else withheld.take("paths", member, instead)
    return made


def _text(text: str, member: str, withheld: _Withheld) -> str:
    """A text without what it quotes of all that."""

    def taker(what: str, instead: str) -> Callable[[re.Match[str]], str]:
        return lambda _: str(withheld.take(what, member, instead))

    for process in withheld.processes:
        pattern = rf"(?<!\w){re.escape(process)}(?= \(pid)"
        text = re.sub(pattern, taker("names of other processes", "a process"), text)
    # A word alone is a model, a version or a mode, and no host, even if a host has its name.
    is_told = bool(re.search(r"\s", text)) or ".environment." in member
    for name, what in sorted(withheld.names.items(), key=lambda each: -len(each[0])):
        if what == "paths":
            text = re.sub(rf"{re.escape(name)}(?![\w-])", taker(what, "<path>"), text)
    for what, found, instead in _PATTERNS:
        text = found.sub(taker(what, instead), text)
    for name, what in sorted(withheld.names.items(), key=lambda each: -len(each[0])):
        if what != "paths" and is_told:
            pattern = rf"(?<![\w]){re.escape(name)}(?![\w])"
            text = re.sub(pattern, taker(what, f"<{what.partition(' ')[0]}>"), text)
    return text


def _told(withheld: _Withheld) -> Iterator[str]:
    """`paths: settings.worker_python, results[].worker.interpreter (12)`."""
    kinds = dict.fromkeys(what for what, _ in withheld.found)
    for kind in sorted(kinds):
        members = ", ".join(
            member if count == 1 else f"{member} ({count})"
            for (what, member), count in withheld.found.items()
            if what == kind
        )
        yield f"{kind}: {members}"
