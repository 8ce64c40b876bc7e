"""Makes the JSON Schema and the tables of docs/record.md from the record's types.

    python -m bench.record.schema

writes `results.schema.json` beside this file, and the members' list in docs/record.md.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from bench.record.head import SCHEMA, Head
from bench.record.measured import Measured, Part, hints
from bench.record.model import Failed, Finished, Record, TimeToTarget, Training

FILE = Path(__file__).parent / "results.schema.json"
DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "record.md"
_LIST = re.compile(
    r"(?<=<!-- members: made by python -m bench.record.schema -->\n).*?(?=<!-- end)", re.DOTALL
)

_FIELD = re.compile(r"(?m)^(\w+): (.+(?:\n    .+)*)")
_TREE, _WIDTH = 34, 120


def described(kind: type) -> dict[str, str]:
    """What the docstrings of a type and its bases say of each field."""
    told: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        text = inspect.cleandoc(base.__doc__ or "") if issubclass(base, Part) else ""
        told.update(
            {name: " ".join(words.split()).rstrip(".") for name, words in _FIELD.findall(text)}
        )
    return told


def json_schema() -> str:
    """The JSON Schema of a record, as its file holds it."""
    (top,), parts = msgspec.json.schema_components([Record])
    names = {
        name: _name(part) if name.startswith("Measured_") else name for name, part in parts.items()
    }
    types = {kind.__name__: kind for kind in types_in(Record)}
    for name, part in parts.items():
        part.pop("title", None)
        kind = types.get(names[name], Measured)
        part["description"] = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
        for field, words in described(kind).items():
            part["properties"][field]["description"] = words
    text = _in_lines(top, {names[name]: part for name, part in sorted(parts.items())})
    for name, plain in names.items():
        text = text.replace(f'"#/$defs/{name}"', f'"#/$defs/{plain}"')
    return text


def _in_lines(top: dict[str, Any], parts: dict[str, dict[str, Any]]) -> str:
    """The schema with a line for each member."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A record of Grindstone's benchmark, schema {SCHEMA}",
        **top,
    }
    made = []
    for name, part in parts.items():
        members = [f"    {json.dumps(key)}: {_line(it)}" for key, it in part["properties"].items()]
        rest = {key: value for key, value in part.items() if key != "properties"}
        opened = f"  {json.dumps(name)}: {_line(rest)[:-1]}, "
        made.append(opened + '"properties": {\n' + ",\n".join(members) + "\n  }}")
    return _line(head)[:-1] + ',\n"$defs": {\n' + ",\n".join(made) + "\n}}\n"


def _line(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False)


def members() -> str:
    """Every member of a record with its meaning, as docs/record.md lists them."""
    seen: set[type] = set()
    sections: list[tuple[str, type, type]] = [
        ("the record", Head, Part),
        ("each of results[] and time_to_target[]: what is always there", Training, Part),
        ('one of results[] whose status is "finished"', Finished, Training),
        ('one of time_to_target[] whose status is "finished"', TimeToTarget, Training),
        ('one of both whose status is "failed"', Failed, Training),
    ]
    lines = ["```"]
    for title, kind, base in sections:
        but = set(getattr(base, "__struct_fields__", ()))
        lines += [title, *_listed(kind, but, seen, "  ")]
    return "\n".join([*lines, "```", ""])


def write() -> None:
    """Writes both files."""
    FILE.write_text(json_schema(), encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(_LIST.sub(lambda _: members(), text), encoding="utf-8")


def _listed(kind: type, but: set[str], seen: set[type], indent: str) -> Iterator[str]:
    """A line for each field, and for those of its parts where they are met first."""
    told = described(kind)
    for name, hint in hints(kind).items():
        if name in but or name.startswith("_"):
            continue
        part = next((each for each in types_in(hint)), None)
        mark = " *" if _is_measured(hint) else ""
        left = f"{indent}{name}{'[]' if _is_list(hint) else ''}{mark}"
        words = told[name] + _choices(hint)
        if part in seen:
            words += "; as above"
        yield from textwrap.wrap(
            words,
            _WIDTH,
            initial_indent=f"{left:<{_TREE}}",
            subsequent_indent=" " * _TREE,
            break_on_hyphens=False,
        )
        if part is not None and part not in seen:
            seen.add(part)
            yield from _listed(part, set(), seen, indent + "  ")


def types_in(hint: Any) -> Iterator[type[Part]]:
    """The record's types in a type, their own parts after them where it is one."""
    if isinstance(hint, type) and issubclass(hint, Part):
        yield hint
        for each in hints(hint).values():
            yield from types_in(each)
    for argument in get_args(hint):
        yield from types_in(argument)


def _is_measured(hint: Any) -> bool:
    return get_origin(hint) is Measured or any(map(_is_measured, get_args(hint)))


def _is_list(hint: Any) -> bool:
    return get_origin(hint) is tuple or any(_is_list(each) for each in get_args(hint))


def _choices(hint: Any) -> str:
    """`: "stock" or "tuned"`; nothing where there is no choice."""
    if get_origin(hint) is Literal:
        return ": " + " or ".join(json.dumps(each) for each in get_args(hint))
    return "".join(_choices(each) for each in get_args(hint) if each is not hint)


def _name(measured: dict[str, Any]) -> str:
    """A plain name for the schema of a measured value: `MeasuredNumber`, `MeasuredAmount`."""
    value = dict(measured["properties"]["value"]["anyOf"][0])
    part = str(value.get("$ref") or value.get("items", {}).get("$ref", ""))
    name = part.rpartition("/")[2] or str(value["type"]).capitalize()
    return f"Measured{name}" + ("FromZero" if value.get("minimum") == 0 else "")


if __name__ == "__main__":
    write()
