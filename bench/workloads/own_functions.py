"""The two functions that a file of one's own has to have, as its text shows: or what to write."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.errors import GrindstoneError

FUNCTIONS = ("model", "data")
# Functions that are probably meant, by their names, and those that do something else with it.
_LIKE = {
    "model": re.compile(r"^(?!load).*(model|net(work)?$|build|cnn)", re.IGNORECASE),
    "data": re.compile(r"data|load|images|read", re.IGNORECASE),
}
_DOES = re.compile(r"train|fit|run|test|eval|predict|save|plot|show|compile|main", re.IGNORECASE)
# By which Keras' fit is told from that of scikit-learn.
_OF_TRAINING = ("epochs", "batch_size", "validation_data", "validation_split", "callbacks")
_RETURNS = {"model": "it", "data": "(x, y), (x_validation, y_validation)"}
_Plain = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def check(path: Path, tree: ast.Module) -> None:
    """Refuses a file without them, before it is run.

    Raises:
        GrindstoneError: what is missing, in a line, and how to write it.
    """
    there = dict(bound(tree.body))
    missing = [name for name in FUNCTIONS if _is_missing(tree, name, there)]
    if missing:
        every = " and no ".join(f"{name}()" for name in missing)
        steps = ", and ".join(_step(name, there) for name in missing)
        raise GrindstoneError(f"{path} has no function {every}: {steps}; see docs/own-models.md")
    for name in FUNCTIONS:
        node = there.get(name)
        if isinstance(node, ast.AsyncFunctionDef | ast.ClassDef):
            raise GrindstoneError(f"{path}:{node.lineno}: {name} has to be a plain function")
        if not isinstance(node, ast.FunctionDef) or node.decorator_list:
            continue
        if asked := _required(node.args):
            raise GrindstoneError(
                f"{path}:{node.lineno}: {name}() is called without arguments, and it asks for "
                f"{', '.join(asked)}; give them defaults"
            )


def bound(body: Iterable[ast.AST]) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a module binds, with what binds them; `*` where it imports all of another."""
    for node in body:
        if isinstance(node, _Plain):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (each for target in targets for each in ast.walk(target)):
                if isinstance(name, ast.Name):
                    yield name.id, node
        elif not _is_main(node):
            yield from bound(ast.iter_child_nodes(node))  # of `if`, `try`, `with`


def trains_at(body: Iterable[ast.AST]) -> int:
    """The line in which a network is trained whenever the file is run, or 0."""
    for node in body:
        if isinstance(node, _Plain | ast.Lambda) or _is_main(node):
            continue
        call = node if isinstance(node, ast.Call) and _called(node) == "fit" else None
        if call and any(each.arg in _OF_TRAINING for each in call.keywords):
            return call.lineno
        if line := trains_at(ast.iter_child_nodes(node)):
            return line
    return 0


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", "")


def _is_main(node: ast.AST) -> bool:
    """Whether it is `if __name__ == "__main__":`, which is not run."""
    named = ast.walk(node.test) if isinstance(node, ast.If) else ()
    return any(isinstance(each, ast.Name) and each.id == "__name__" for each in named)


def _is_missing(tree: ast.Module, name: str, there: dict[str, ast.stmt]) -> bool:
    node = there.get(name)
    if node is None:
        return "*" not in there
    # What a script calls so may be an object, and to find that out by running it would train it.
    return not isinstance(node, _Plain) and (
        isinstance(node, ast.Import) or _is_used_as_object(tree.body, name)
    )


def _is_used_as_object(body: Iterable[ast.AST], name: str) -> bool:
    """Whether what runs takes something of it: `model.fit(…)`, `data["x"]`."""
    for node in body:
        if isinstance(node, _Plain | ast.Lambda) or _is_main(node):
            continue
        owner = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
        if isinstance(owner, ast.Name) and owner.id == name:
            return True
        if _is_used_as_object(ast.iter_child_nodes(node), name):
            return True
    return False


def _step(name: str, there: dict[str, ast.stmt]) -> str:
    """What to write so that the file has it."""
    made, like = there.get(name), _alike(name, there)
    if like and name == "model":
        return f"write `def model(): return {like}()`"
    what = "what makes the network" if name == "model" else "what reads the data"
    if like:
        what = f"what {like}() reads"
    elif isinstance(made, ast.Assign | ast.AnnAssign):
        what = f"what makes `{name}` (line {made.lineno})"
    return f"put {what} into `def {name}():`, which returns {_RETURNS[name]}"


def _alike(name: str, there: dict[str, ast.stmt]) -> str:
    """The function of the file that is probably meant, or nothing."""
    plain = {each: node for each, node in there.items() if isinstance(node, ast.FunctionDef)}
    made = getattr(there.get(name), "value", None)
    called = getattr(made.func, "id", "") if isinstance(made, ast.Call) else ""
    named = [each for each in plain if _LIKE[name].search(each) and not _DOES.match(each)]
    for each in [called, *named]:
        node = plain.get(each)
        if each in FUNCTIONS or node is None or _required(node.args):
            continue
        if any(isinstance(inner, ast.Return) and inner.value for inner in ast.walk(node)):
            return each
    return ""


def _required(arguments: ast.arguments) -> list[str]:
    """The names of the parameters that have no default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    without = positional[: len(positional) - len(arguments.defaults)]
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [each.arg for each in without] + [each.arg for each, value in named if value is None]
