"""What the expressions of a script stand for, where it says so."""

from __future__ import annotations

import abc
import ast
from collections import ChainMap
from collections.abc import Mapping

from bench.lint import calls, names, operations
from bench.lint.program import Compared, Kept, Program, Split
from bench.lint.values import (
    Call,
    Const,
    Data,
    Function,
    History,
    Items,
    Names,
    Network,
    Ref,
    Score,
    Table,
    Value,
    inside,
)

# Options by which a model's methods are told from those of the same name.
_OF_MODELS = {
    "compile": frozenset({"optimizer", "loss", "metrics"}),
    "fit": frozenset({"epochs", "batch_size", "validation_data", "callbacks", "steps_per_epoch"}),
}


class Expressions(abc.ABC):
    """Where in the script one is, what is known there, and what an expression is there."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.loops: tuple[ast.AST, ...] = ()
        self._names: Names = ChainMap()
        self._stars: list[str] = []

    @abc.abstractmethod
    def own(self, function: Function, call: Call) -> Value:
        """What a function or class of the script makes."""

    @abc.abstractmethod
    def _body(self, body: list[ast.stmt]) -> None:
        """Goes through statements."""

    def _parts(self, node: ast.AST) -> None:
        """Of a statement that says nothing here, what it consists of."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
            elif isinstance(child, ast.stmt):
                self._body([child])
            else:
                self._parts(child)

    def bind(self, target: ast.expr, found: Value) -> None:
        """Gives a name, or several, what stands behind the `=`."""
        if isinstance(target, ast.Tuple | ast.List):
            for number, each in enumerate(target.elts):
                self.bind(each, operations.item(found, number, self.loops))
        elif isinstance(target, ast.Starred):
            self.bind(target.value, Data(loops=self.loops))
        elif isinstance(target, ast.Subscript):
            self.value(target.value)
            self._keep(target.lineno, found, _root(target))
        elif name := _dotted(target):
            self._names[name] = found

    def _keep(self, line: int, value: Value, name: str) -> None:
        for each in inside(value):
            if isinstance(each, Score | History):
                self.program.kept.append(Kept(line, each, name, self.loops))

    def keep(self, line: int, value: Value) -> None:
        """Notes a figure that is printed."""
        self.program.kept.append(Kept(line, value, "", self.loops))

    def split(self, call: ast.Call, of: tuple[Value, ...]) -> None:
        """Notes that examples are parted."""
        self.program.splits.append(Split(call, of))

    # ---- expressions

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for."""
        act = getattr(self, f"visit_{type(node).__name__.lower()}", None)
        if act is None:
            self._parts(node)
            return Data(loops=self.loops)
        found: Value = act(node)
        return found

    def visit_constant(self, node: ast.Constant) -> Value:
        return Const(node.value)

    def visit_name(self, node: ast.Name) -> Value:
        if node.id in self._names:
            return self._names[node.id]
        if node.id in names.BUILTINS:
            return Ref(f"builtins.{node.id}")
        if star := next((each for each in self._stars if names.may_hold(each, node.id)), None):
            return Ref(names.canonical(f"{star}.{node.id}"))
        return Data(loops=self.loops)

    def visit_attribute(self, node: ast.Attribute) -> Value:
        name = _dotted(node)
        if name and name in self._names:
            return self._names[name]
        owner = self.value(node.value)
        return operations.attribute(owner, node.attr, self.loops)

    def visit_subscript(self, node: ast.Subscript) -> Value:
        owner, index = self.value(node.value), self.value(node.slice)
        return operations.subscript(owner, node.slice, index, self.loops)

    def visit_slice(self, node: ast.Slice) -> Value:
        self._parts(node)
        return Data(loops=self.loops)

    def visit_tuple(self, node: ast.Tuple | ast.List) -> Value:
        made: list[Value] = []
        for each in node.elts:
            found = self.value(each.value if isinstance(each, ast.Starred) else each)
            if isinstance(each, ast.Starred) and isinstance(found, Items):
                made += found.items
            else:
                made.append(Data() if isinstance(each, ast.Starred) else found)
        return Items(tuple(made))

    visit_list = visit_tuple

    def visit_dict(self, node: ast.Dict) -> Value:
        found = {}
        for key, each in zip(node.keys, node.values, strict=True):
            name, held = self.value(key) if key else None, self.value(each)
            if isinstance(name, Const) and isinstance(name.value, str):
                found[name.value] = held
        return Table(found)

    def visit_binop(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Sub):
            self.program.compared.append(Compared(node, left, right, self.loops))
        return operations.binary(left, node.op, right)

    def visit_unaryop(self, node: ast.UnaryOp) -> Value:
        found = self.value(node.operand)
        if isinstance(node.op, ast.USub) and isinstance(found, Const):
            return operations.negative(found)
        return found

    def visit_compare(self, node: ast.Compare) -> Value:
        sides = [self.value(each) for each in (node.left, *node.comparators)]
        self.program.compared.append(Compared(node, sides[0], sides[1], self.loops))
        return Data(loops=self.loops)

    def visit_ifexp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return operations.either([self.value(node.body), self.value(node.orelse)])

    def visit_namedexpr(self, node: ast.NamedExpr) -> Value:
        found = self.value(node.value)
        self.bind(node.target, found)
        return found

    def visit_joinedstr(self, node: ast.JoinedStr) -> Value:
        held = [each.value for each in node.values if isinstance(each, ast.FormattedValue)]
        return Items(tuple(self.value(each) for each in held))

    def visit_lambda(self, node: ast.Lambda) -> Value:
        return Function(node, self._names)

    def visit_await(self, node: ast.Await) -> Value:
        return self.value(node.value)

    def visit_listcomp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Value:
        outer, self._names = self._names, self._names.new_child()
        for each in node.generators:
            every = self.value(each.iter)
            self.bind(each.target, operations.one_of(every, self.loops))
            for condition in each.ifs:
                self.value(condition)
        made = self.value(node.elt)
        self._names = outer
        return made if isinstance(made, Data) else Data(loops=self.loops)

    visit_generatorexp = visit_setcomp = visit_listcomp

    def visit_call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Attribute):
            name = _dotted(node.func)
            if not (name and name in self._names):
                return self._method(node, node.func)
        function = self.value(node.func)
        call = self._arguments(node)
        if isinstance(function, Function):
            return self.own(function, call)
        return calls.function(self, function, call)

    def _method(self, node: ast.Call, function: ast.Attribute) -> Value:
        owner = self.value(function.value)
        call = self._arguments(node)
        if isinstance(owner, Ref):
            full = Ref(names.canonical(f"{owner.name}.{function.attr}"))
            return calls.function(self, full, call)
        if function.attr in ("append", "extend") and call.given:
            self._keep(node.lineno, call.given[0], _root(function.value))
            if isinstance(owner, Items) and (name := _dotted(function.value)):
                self._names[name] = Items((*owner.items, *call.given[:1]))
            return Const(None)
        if isinstance(owner, Data) and self._is_of_keras(function.attr, call.options):
            network = Network(node.lineno, known=False, loops=owner.loops)
            if name := _dotted(function.value):
                self._names[name] = network
            owner = network
        return calls.method(self, owner, function.attr, call)

    def _arguments(self, node: ast.Call) -> Call:
        given: list[Value] = []
        for each in node.args:
            found = self.value(each.value if isinstance(each, ast.Starred) else each)
            starred = isinstance(each, ast.Starred) and isinstance(found, Items)
            given += found.items if starred and isinstance(found, Items) else [found]
        options = {each.arg: self.value(each.value) for each in node.keywords if each.arg}
        for option in node.keywords:
            if option.arg is None:
                found = self.value(option.value)
                options |= found.items if isinstance(found, Table) else {}
        return Call(node, tuple(given), options)

    def _is_of_keras(self, method: str, options: Mapping[str, Value]) -> bool:
        """Whether a method of what is not known is that of a model, and not of scikit-learn's."""
        has_keras = bool(self.program.imports & names.KERAS)
        return has_keras and not _OF_MODELS.get(method, frozenset()).isdisjoint(options)


def _dotted(node: ast.expr) -> str:
    """`self.model`, or nothing where it is more than names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
