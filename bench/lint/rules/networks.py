"""Traps in a network and its loss: dropout where none belongs, errors that are added up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from bench.lint.program import Program, called
from bench.lint.rules.rule import Hit, Rule
from bench.lint.values import Function, Instance, Network, Node, Ref, Value, plain
from bench.worker import placement
from bench.worker.placement import Stands

# Layers without weights; any other may have some.
_WITHOUT = frozenset(
    {"Flatten", "Reshape", "Permute", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"}
    | {"ThresholdedReLU", "Concatenate", "Add", "Average", "Maximum", "Multiply", "Subtract"}
    | {"Dot", "GaussianNoise", "RepeatVector", "Masking", "Resizing", "Rescaling", "InputLayer"}
    | placement.DROPOUTS
)
_WITHOUT_PREFIXES = ("MaxPool", "AveragePool", "GlobalMax", "GlobalAverage", "UpSampling")
_MORE_PREFIXES = ("ZeroPadding", "Cropping", "Random")
_SUMS = ("sum", "reduce_sum")


def is_weighted(layer: Instance) -> bool:
    """Whether a layer has weights, or may have."""
    free = layer.kind in _WITHOUT or layer.kind.startswith((*_WITHOUT_PREFIXES, *_MORE_PREFIXES))
    return layer.own or not free


def finished(program: Program) -> Iterator[Network]:
    """The networks that are trained or judged as they are, and no part of another one."""
    returned = program.returns.get("model")
    trained = {id(each.network) for each in program.fits}
    for network in program.networks:
        whole = network.compiled or id(network) in trained or network is returned
        if network.known and whole and not network.inner:
            yield network


def _misplaced(program: Program, rule: str) -> Iterator[Hit]:
    for network in finished(program):
        nodes = network.nodes
        places = {id(node): at for at, node in enumerate(nodes)}
        feeds: list[list[int]] = [[] for _ in nodes]
        for at, node in enumerate(nodes):
            for fed in node.inputs:
                feeds[places[id(fed)]].append(at)
        layers = [_stands(node, tuple(behind)) for node, behind in zip(nodes, feeds, strict=True)]
        for each in placement.misplaced(layers):
            layer = nodes[each.at].layer
            if each.rule == rule and layer is not None:
                yield Hit(layer.line, each.what.partition(":")[0])


def _stands(node: Node, feeds: tuple[int, ...]) -> Stands:
    layer = node.layer
    if layer is None:
        return Stands("the input", "InputLayer", feeds=feeds)
    name = plain(layer.option("name"))
    shown = name if isinstance(name, str) else f"{layer.kind} of line {layer.line}"
    chosen = layer.option("activation", 0) if layer.kind == "Activation" else None
    activation = chosen.last if isinstance(chosen, Ref) else plain(chosen)
    weighs = is_weighted(layer)
    return Stands(shown, layer.kind, str(activation or ""), weighs, feeds, not feeds)


# ---- losses


def _loss_by_sum(program: Program) -> Iterator[Hit]:
    for network in program.networks:
        for line, loss in network.losses:
            if isinstance(loss, Instance) and not loss.own and _reduction(loss).lower() == "sum":
                yield Hit(loss.line, f"{loss.kind} with reduction={_reduction(loss)!r}")
                continue
            function = _function(program, loss)
            if function is not None and (summed := _summed(function)):
                name = getattr(function, "name", "the lambda")
                yield Hit(summed, f"{name}, the loss of line {line}, adds all errors up")


def _reduction(loss: Instance) -> str:
    chosen = loss.option("reduction")
    return chosen.last if isinstance(chosen, Ref) else str(plain(chosen))


def _function(program: Program, loss: Value) -> ast.AST | None:
    """The function that computes a loss, where it is the script's."""
    if isinstance(loss, Function) and not isinstance(loss.node, ast.ClassDef):
        return loss.node
    if isinstance(loss, Instance) and loss.own:
        for node in ast.walk(program.tree):
            if isinstance(node, ast.ClassDef) and node.name == loss.kind:
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
                return next((each for each in methods if each.name == "call"), None)
    return None


def _summed(function: ast.AST) -> int | None:
    """The line in which a function adds up over the batch as well, and divides nowhere."""
    found = None
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return None
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        if any(part in name for part in ("mean", "divide", "average")):
            return None
        over = [each for each in node.keywords if each.arg == "axis" and not _is_none(each.value)]
        if name in _SUMS and len(node.args) == 1 and not over:
            found = found or node.lineno
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


RULES = (
    Rule(
        "dropout-last",
        "dropout after the last layer",
        "in training it zeroes some of the network's outputs: at a rate p that adds p / (1 - p) "
        "times the output's square to the squared error, a quarter of it at 0.2, which no weights "
        "can remove",
        "move it before the last layer with weights",
        partial(_misplaced, rule="dropout-last"),
    ),
    Rule(
        "dropout-activation",
        "dropout before an activation such as sigmoid or tanh (ReLU is fine)",
        "a dropped unit is not off after a sigmoid (it outputs 0.5), and the others are scaled "
        "before the nonlinearity, so that training and predicting have different means",
        "put the dropout after the activation, before the next layer with weights",
        partial(_misplaced, rule="dropout-activation"),
    ),
    Rule(
        "dropout-norm",
        "dropout before a batch normalization",
        "the normalization learns the variance of what was dropped out, 1 / (1 - p) times that "
        "when predicting: twice at a rate of 0.5 (arXiv:1801.05134)",
        "put the dropout after the normalization and its activation",
        partial(_misplaced, rule="dropout-norm"),
    ),
    Rule(
        "loss-sum",
        "a loss that sums the errors",
        "it and its gradients grow with the batch and the outputs: on 8 images of 100x150 they "
        "are 120,000 times those of the mean, at which no usual learning rate trains",
        "take the mean over the batch (`reduce_mean`, or leave `reduction` out)",
        _loss_by_sum,
    ),
)
