"""Goes through a script in the order in which it would run, and notes what it does.

Nothing of it is run: a value is known where the script says it, and else it is `Data` of which
nothing is known.  A loop's body is gone through once, both branches of an `if`, and a function of
the script at each call of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.lint import names, operations
from bench.lint.expressions import Expressions
from bench.lint.program import Program
from bench.lint.values import Call, Const, Data, Function, Instance, Network, Ref, Value

# So deep are functions gone into, and so many statements gone through, that any script ends.
_DEEPEST, _MOST = 12, 200_000
# What a parameter of such a name is where nobody gives it.
_GIVEN = {"keras": "keras", "tf": "tensorflow"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def read(tree: ast.Module, folder: Path) -> Program:
    """What a script does."""
    reader = Reader(Program(tree, folder))
    reader.module()
    return reader.program


class Reader(Expressions):
    """Goes through the statements."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._called: set[ast.AST] = set()
        self._stack: list[ast.AST] = []
        self._returned: list[list[Value]] = []
        self._steps = 0

    # ---- statements

    def module(self) -> None:
        """Goes through all: first what runs, then the functions that nobody calls."""
        self._body(self.program.tree.body)
        for owner in [self.program.tree, *ast.walk(self.program.tree)]:
            if not isinstance(owner, ast.Module | ast.ClassDef):
                continue
            for node in owner.body:
                if isinstance(node, _Function) and node not in self._called:
                    found = self.enter(Function(node, self._names), (), {})
                    if isinstance(owner, ast.Module):
                        self.program.returns[node.name] = found

    def _body(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._steps += 1
            if self._steps > _MOST:
                return
            act = getattr(self, f"visit_{type(statement).__name__.lower()}", None)
            if act is not None:
                act(statement)
            else:
                self._parts(statement)

    def visit_import(self, node: ast.Import) -> None:
        for alias in node.names:
            full = names.canonical(alias.name)
            self.program.imports.add(full.partition(".")[0])
            if alias.asname:
                self._names[alias.asname] = Ref(full)
            else:
                first = alias.name.partition(".")[0]
                self._names[first] = Ref(names.canonical(first))

    def visit_importfrom(self, node: ast.ImportFrom) -> None:
        module = names.canonical("." * node.level + (node.module or ""))
        self.program.imports.add(module.partition(".")[0])
        for alias in node.names:
            if alias.name == "*":
                self._stars.append(module)
            else:
                full = names.canonical(f"{module}.{alias.name}")
                self._names[alias.asname or alias.name] = Ref(full)

    def visit_functiondef(self, node: ast.FunctionDef) -> None:
        for each in node.decorator_list:
            self.value(each)
        self._names[node.name] = Function(node, self._names)

    visit_asyncfunctiondef = visit_functiondef

    def visit_classdef(self, node: ast.ClassDef) -> None:
        bases = [self.value(each) for each in node.bases]
        named = [each.name for each in bases if isinstance(each, Ref)]
        named += [name for each in bases if isinstance(each, Function) for name in each.bases]
        self._names[node.name] = Function(node, self._names, tuple(named))

    def visit_return(self, node: ast.Return) -> None:
        found = self.value(node.value) if node.value else Const(None)
        if self._returned:
            self._returned[-1].append(found)

    def visit_assign(self, node: ast.Assign) -> None:
        found = self.value(node.value)
        for target in node.targets:
            self.bind(target, found)

    def visit_annassign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.bind(node.target, self.value(node.value))

    def visit_augassign(self, node: ast.AugAssign) -> None:
        left, right = self.value(node.target), self.value(node.value)
        self.bind(node.target, operations.binary(left, node.op, right))

    def visit_if(self, node: ast.If) -> None:
        self.value(node.test)
        before = dict(self._names.maps[0])
        self._body(node.body)
        after = dict(self._names.maps[0])
        self._names.maps[0].clear()
        self._names.maps[0].update(before)
        self._body(node.orelse)
        other = self._names.maps[0]
        for name in {*after, *other}:
            here, there = after.get(name), other.get(name)
            other[name] = operations.either([each for each in (here, there) if each is not None])

    def visit_for(self, node: ast.For) -> None:
        every = self.value(node.iter)
        self.loops = (*self.loops, node)
        self.bind(node.target, operations.one_of(every, self.loops))
        self._body(node.body)
        self.loops = self.loops[:-1]
        self._body(node.orelse)

    visit_asyncfor = visit_for

    def visit_while(self, node: ast.While) -> None:
        self.loops = (*self.loops, node)
        self.value(node.test)
        self._body(node.body)
        self.loops = self.loops[:-1]
        self._body(node.orelse)

    def visit_with(self, node: ast.With) -> None:
        for item in node.items:
            found = self.value(item.context_expr)
            if item.optional_vars:
                self.bind(item.optional_vars, found)
        self._body(node.body)

    visit_asyncwith = visit_with

    # ---- functions of the script

    def own(self, function: Function, call: Call) -> Value:
        """What a function or class of the script makes."""
        if isinstance(function.node, ast.ClassDef):
            if any(names.is_model(each) for each in function.bases):
                made = Network(call.line, known=False, loops=self.loops)
                self.program.networks.append(made)
                return made
            name = function.node.name
            return Instance(name, call.line, call.given, call.options, own=True)
        return self.enter(function, call.given, call.options)

    def enter(
        self, function: Function, given: Sequence[Value], options: Mapping[str, Value]
    ) -> Value:
        """What a function of the script returns."""
        node = function.node
        self._called.add(node)
        if node in self._stack or len(self._stack) >= _DEEPEST or self._steps > _MOST:
            return Data(loops=self.loops)
        assert not isinstance(node, ast.ClassDef)
        outer, self._names = self._names, function.names.new_child()
        self._stack.append(node)
        self._returned.append([])
        self._take(node.args, given, options)
        if isinstance(node, ast.Lambda):
            self._returned[-1].append(self.value(node.body))
        else:
            self._body(node.body)
        returned = self._returned.pop()
        self._stack.pop()
        self._names = outer
        return operations.either(returned) if returned else Const(None)

    def _take(
        self, asked: ast.arguments, given: Sequence[Value], options: Mapping[str, Value]
    ) -> None:
        """Binds a function's parameters."""
        places = [*asked.posonlyargs, *asked.args]
        last = places[len(places) - len(asked.defaults) :]
        defaults = dict(zip([each.arg for each in last], asked.defaults, strict=True))
        defaults |= {
            each.arg: value
            for each, value in zip(asked.kwonlyargs, asked.kw_defaults, strict=True)
            if value is not None
        }
        for number, each in enumerate([*places, *asked.kwonlyargs]):
            if each.arg in options:
                found = options[each.arg]
            elif number < min(len(given), len(places)):
                found = given[number]
            elif each.arg in defaults and (given or options):
                found = self.value(defaults[each.arg])
            elif each.arg in _GIVEN:  # as by who builds a network with several Kerases
                found = Ref(_GIVEN[each.arg])
                self.program.imports.add(_GIVEN[each.arg])
            else:
                found = Data(loops=self.loops)
            self._names[each.arg] = found
        for rest in (asked.vararg, asked.kwarg):
            if rest is not None:
                self._names[rest.arg] = Data(loops=self.loops)
