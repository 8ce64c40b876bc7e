"""What calls of libraries make: layers, networks, data, trainings, scores."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.lint import data_calls, names, scaling
from bench.lint.values import (
    PREDICTED,
    Call,
    Const,
    Data,
    Fit,
    History,
    Instance,
    Items,
    Network,
    Node,
    Ref,
    Score,
    Table,
    Value,
    examples,
    inside,
    plain,
)

if TYPE_CHECKING:
    from bench.lint.expressions import Expressions as Reader

# What passes a figure on as it is.
_PLAIN = ("float", "round", "str", "abs", "int", "format", "repr")
# scikit-learn's errors that say nothing without a constant guess beside them.
_ERRORS = ("mean_squared_error", "root_mean_squared_error")
_MOST, _SUMS = ("max", "min", "amax", "amin", "nanmax", "nanmin"), ("mean", "average", "median")


def function(reader: Reader, called: Value, call: Call) -> Value:
    """What a function or class of a library makes, or a value that is called."""
    given = call.given
    if isinstance(called, Instance):
        return _layered(called, given)
    if isinstance(called, Network):
        called.inner = True
        return _layered(Instance("Network", called.line, own=True), given)
    if not isinstance(called, Ref):
        return Data(loops=reader.loops)
    if names.is_layer(called.name) and called.last not in ("Input", "InputLayer"):
        return Instance(called.name, call.line, given, call.options)
    if names.is_model(called.name):
        return _network(reader, called.last, call)
    if called.name.startswith("keras.") and called.last in ("Input", "InputLayer"):
        return Node(None)
    if called.name.startswith("keras.applications.") and called.last[:1].isupper():
        return _kept(reader, Network(call.line, known=False, loops=reader.loops))
    if called.name.startswith("keras.") and called.last in ("load_model", "clone_model"):
        reader.program.restored.append((None, call.line))
        return _kept(reader, Network(call.line, known=False, loops=reader.loops))
    if called.name.startswith("sklearn.metrics."):
        reader.program.metrics.append(call.line)
    if called.last in _ERRORS and called.name.startswith("sklearn.metrics."):
        known = [data for each in given if (data := examples(each))]
        if any(data.source == PREDICTED for data in known):
            reader.program.errors.append(call.line)
        return Data(loops=reader.loops)
    if called.last == "mean" and given and isinstance(given[0], Data):
        return scaling.mean(given[0], call) or Data(loops=reader.loops)
    if called.name.startswith("builtins.") or called.last in (*_MOST, *_SUMS):
        return _of_python(reader, called.last, call)
    if found := data_calls.function(reader, called, call):
        return found
    if called.last[:1].isupper():
        return Instance(called.name, call.line, given, call.options)
    if called.name.startswith("keras.") and called.last in _FUNCTIONS:
        return _layered(Instance(f"keras.layers.{_FUNCTIONS[called.last]}", call.line), given)
    return Data(loops=reader.loops)


# Functions that stand in a network as layers do.
_FUNCTIONS = {"relu": "ReLU", "softmax": "Softmax", "concatenate": "Concatenate", "add": "Add"}


def _layered(layer: Instance, given: tuple[Value, ...]) -> Value:
    fed = tuple(each for one in given for each in inside(one) if isinstance(each, Node))
    return Node(layer, fed) if fed else Data()


def _kept(reader: Reader, network: Network) -> Network:
    reader.program.networks.append(network)
    return network


def _network(reader: Reader, kind: str, call: Call) -> Network:
    made = Network(call.line, loops=reader.loops)
    if kind == "Sequential":
        layers = call.value("layers", at=0) or Items(())
        known = isinstance(layers, Items) or plain(layers) is not None
        made.known = known or (isinstance(layers, Const) and layers.value is None)
        for each in inside(layers):
            _stack(made, each)
    else:
        outputs = call.value("outputs", at=1)
        ends = [each for each in inside(outputs) if isinstance(each, Node)]
        made.known = bool(ends) and len(ends) == len(list(inside(outputs)))
        made.nodes = _before(ends)
    return _kept(reader, made)


def _stack(network: Network, value: Value) -> None:
    if isinstance(value, Instance):
        network.add(value)
    elif isinstance(value, Network):
        value.inner = True
        if value.known:
            for each in value.layers:
                network.add(each)
        else:
            network.add(Instance("Network", value.line, own=True))
    elif not (isinstance(value, Node) and value.layer is None):
        network.known = False


def _before(ends: list[Node]) -> list[Node]:
    """All nodes that lead to some, each behind those that feed it."""
    found: dict[Node, None] = {}
    waiting = list(ends)
    while waiting:
        node = waiting[-1]
        missing = [each for each in node.inputs if each not in found]
        if missing:
            waiting += missing
        else:
            found.setdefault(waiting.pop())
    return list(found)


def _of_python(reader: Reader, name: str, call: Call) -> Value:
    given = call.given
    figures = [each for one in given for each in inside(one) if isinstance(each, Score | History)]
    if name == "print":
        for each in figures:
            reader.keep(call.line, each)
        return Const(None)
    if name in _MOST and len(figures) == 1 and isinstance(figures[0], History):
        best = figures[0]
        return History(best.fit, best.curve, call.line)
    if name in (*_PLAIN, *_MOST, *_SUMS) and figures:
        return figures[0] if len(figures) == 1 else Items(tuple(figures))
    if name in ("list", "tuple") and given and isinstance(given[0], Items | Data):
        return given[0]
    if name in ("list", "tuple") and not given:
        return Items(())
    return data_calls.of_python(reader, name, given)


# ---- methods


def method(reader: Reader, owner: Value, name: str, call: Call) -> Value:
    """What a method of a known value makes."""
    given = call.given
    if isinstance(owner, Network) and (act := _OF_NETWORKS.get(name)):
        return act(reader, owner, call)
    if isinstance(owner, Const) and name == "format":
        return Items((*given, *call.options.values()))
    if isinstance(owner, Const) and isinstance(owner.value, str) and name == "join":
        return Data()
    if isinstance(owner, Instance) and names.is_layer(owner.name) and name == "adapt":
        return Const(None)
    if isinstance(owner, Table) and name == "get" and isinstance(key := call.said(at=0), str):
        return owner.items.get(key, Data())
    figures = [each for each in given for each in inside(each) if isinstance(each, Score | History)]
    if name in ("info", "debug", "write", "warning", "log"):
        for each in figures:
            reader.keep(call.line, each)
        return Const(None)
    return data_calls.method(reader, owner, name, call)


def _add(_: Reader, network: Network, call: Call) -> Value:
    for each in (*call.given, *call.options.values()):
        _stack(network, each)
    return Const(None)


def _pop(_: Reader, network: Network, __: Call) -> Value:
    network.known = False
    return Const(None)


def _compile(_: Reader, network: Network, call: Call) -> Value:
    network.compiled.append(call.line)
    loss = call.value("loss", at=1)
    held = loss.items.values() if isinstance(loss, Table) else inside(loss)
    network.losses += [(call.line, each) for each in held]
    return Const(None)


def _fit(reader: Reader, network: Network, call: Call) -> Value:
    x, y = call.value("x", "generator", at=0), call.value("y", at=1)
    held = call.options.get("validation_data")
    validation = tuple(inside(held)) if not isinstance(held, Items) else held.items
    made = Fit(network, call.node, x, y, validation, call.options, reader.loops)
    reader.program.fits.append(made)
    return History(made)


def _step(reader: Reader, network: Network, call: Call) -> Value:
    _fit(reader, network, call)
    return Data(loops=reader.loops)  # the loss of a batch, and no curve


def _score(reader: Reader, network: Network, call: Call) -> Value:
    assert isinstance(call.node.func, ast.Attribute)
    x, y = call.value("x", "generator", at=0), call.value("y", at=1)
    kind = call.node.func.attr.removesuffix("_generator").removesuffix("_on_batch")
    trained = len(reader.program.fits)
    made = Score(network, x, call.node, reader.loops, kind, y, trained)
    reader.program.scores.append(made)
    # What is predicted are examples again, and no figure.
    return made if kind == "evaluate" else Data(source=PREDICTED, loops=reader.loops)


def _restore(reader: Reader, network: Network, call: Call) -> Value:
    reader.program.restored.append((network, call.line))
    return Const(None)


_OF_NETWORKS: dict[str, Callable[[Reader, Network, Call], Value]] = {
    "add": _add,
    "pop": _pop,
    "compile": _compile,
    "fit": _fit,
    "fit_generator": _fit,
    "train_on_batch": _step,
    "evaluate": _score,
    "evaluate_generator": _score,
    "predict": _score,
    "predict_generator": _score,
    "load_weights": _restore,
    "set_weights": _restore,
}
