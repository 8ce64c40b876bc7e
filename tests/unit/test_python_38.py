"""What runs on hosts keeps to Python 3.8, the oldest that Ansible finds there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
BUILTIN = {"dict", "frozenset", "list", "set", "tuple", "type"}
# Methods and functions of the standard library that came later, by name.
LATER = {
    "bit_count": "3.10",
    "hardlink_to": "3.10",
    "is_relative_to": "3.9",
    "pairwise": "3.10",
    "readlink": "3.9",
    "removeprefix": "3.9",
    "removesuffix": "3.9",
    "with_stem": "3.9",
}


def parts(path: Path) -> set[Path]:
    """A module and what it imports of `module_utils`."""
    found = {path}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            name = (node.module or "").removeprefix("module_utils").strip(".")
            names = [name] if name else [alias.name for alias in node.names]
            for each in names:
                imported = PLUGINS / "module_utils" / f"{each.replace('.', '/')}.py"
                if imported.exists():
                    found |= parts(imported)
    return found


SHIPPED = sorted(set().union(*map(parts, (PLUGINS / "modules").glob("*.py"))))


def evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: not annotations, which `from __future__` leaves alone."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child
                yield from evaluated(child)


def too_new(source: str) -> list[str]:
    """What Python 3.8 would not take, each with its line."""
    tree = ast.parse(source, feature_version=(3, 8))
    found = []
    for node in evaluated(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            if node.value.id in BUILTIN:
                found.append(f"{node.lineno}: {node.value.id}[...]")
        elif isinstance(node, ast.Attribute) and node.attr in LATER:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner != "os":  # os.readlink has always been
                found.append(f"{node.lineno}: {node.attr} of {LATER[node.attr]}")
        elif isinstance(node, ast.Match):
            found.append(f"{node.lineno}: match")
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=attrgetter("name"))
def test_what_runs_on_hosts_takes_python_3_8(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert "from __future__ import annotations" in source
    assert too_new(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "Packages = dict[str, int]",
        "'x'.removeprefix('y')",
        "path.readlink()",
        "match x:\n    case 1: pass",
    ],
)
def test_what_is_too_new_is_seen(source: str) -> None:
    try:
        assert too_new(source)
    except SyntaxError:
        assert source.startswith("match")


def test_annotations_and_what_has_always_been_are_not() -> None:
    assert too_new("def f(x: dict[str, int]) -> list[int]:\n    return os.readlink(x)") == []
