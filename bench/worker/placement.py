"""Where dropout stands in a network: behind an activation and before the layer that weighs it.

`Stands` is what has to be known of a layer for that, of a model that was built (`faults`) or of a
script that was only read (bench.lint.rules.networks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Rule = Literal["dropout-last", "dropout-activation", "dropout-norm", "dropout-relu"]

DROPOUTS = frozenset(
    f"{kind}Dropout{size}"
    for kind, sizes in (("", ("",)), ("Spatial", ("1D", "2D", "3D")), ("Gaussian", ("",)))
    for size in sizes
)
# What only reorders or reshapes stands between layers without parting them.
_TRANSPARENT = frozenset({"Flatten", "Reshape", "Permute", *DROPOUTS})
_RELUS = frozenset({"ReLU", "LeakyReLU", "PReLU"})
_RELU_NAMES = frozenset({"relu", "leaky_relu", "relu6"})
# Activations of which a dropped output is none, or not in proportion.
_BENT = frozenset({"ELU", "Softmax", "ThresholdedReLU"})
_BENT_NAMES = frozenset(
    {"elu", "gelu", "selu", "sigmoid", "hard_sigmoid", "silu", "softmax", "softplus", "swish"}
    | {"tanh", "exponential", "mish", "softsign"}
)


@dataclass(frozen=True, slots=True)
class Stands:
    """A layer, and what it feeds.

    name: as a person finds it; kind: its class; activation: its function's name, or "".
    weighs: whether it has weights, or may have.
    feeds: the places of the layers behind it; ends: whether it puts out what the network does.
    """

    name: str
    kind: str
    activation: str = ""
    weighs: bool = False
    feeds: tuple[int, ...] = ()
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A dropout layer that stands where none belongs: by which rule, its place, and in words."""

    rule: Rule
    at: int
    what: str


def faults(model: Any) -> Iterator[Misplaced]:
    """What is wrong with where a built model's dropout layers stand.

    Of a class of one's own nothing is said: in which order its layers are called is not known.
    """
    kinds = {each.__name__ for each in type(model).__mro__}
    if "Sequential" in kinds:
        layers = [*_stacked(model)]
        ends = range(1, len(layers) + 1)
        feeds: list[tuple[int, ...]] = [(end,) if end < len(layers) else () for end in ends]
        last = [not each for each in feeds]
    elif "Functional" in kinds:
        layers = list(model.layers)
        feeds = [_fed_by(_tensors(each, "output"), layers) for each in layers]
        outputs = [id(each) for each in model.outputs]
        last = [any(id(out) in outputs for out in _tensors(each, "output")) for each in layers]
    else:
        return
    described = zip(layers, feeds, last, strict=True)
    yield from misplaced([_described(*each) for each in described])


def _described(layer: Any, feeds: tuple[int, ...], ends: bool) -> Stands:
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    weighs = bool(layer.weights) or hasattr(layer, "layers")
    return Stands(layer.name, type(layer).__name__, activation, weighs, feeds, ends)


def _stacked(model: Any) -> Iterator[Any]:
    """The layers of a stack, and of stacks in it; another model stays whole."""
    for layer in model.layers:
        if type(layer).__name__ == "Sequential":
            yield from _stacked(layer)
        else:
            yield layer


def _tensors(layer: Any, which: str) -> list[Any]:
    """What a layer takes or puts out, as far as Keras tells."""
    try:
        found = getattr(layer, which)
    except (AttributeError, ValueError, RuntimeError):  # it is called several times
        return []
    return list(found) if isinstance(found, list | tuple) else [found]


def _fed_by(outputs: list[Any], layers: Sequence[Any]) -> tuple[int, ...]:
    """The places of the layers that take one of some tensors, but for an input, which has it."""
    made = {id(each) for each in outputs}
    return tuple(
        at
        for at, layer in enumerate(layers)
        if made.intersection(map(id, _tensors(layer, "input")))
        and made.isdisjoint(map(id, _tensors(layer, "output")))
    )


def misplaced(layers: Sequence[Stands]) -> Iterator[Misplaced]:
    """The same of layers that are described."""
    for at, layer in enumerate(layers):
        if layer.kind not in DROPOUTS:
            continue
        after = [layers[each] for each in _next(layers, at)]
        if not any(layers[each].weighs for each in _all_behind(layers, at)):
            if _is_end(layers, at):
                yield Misplaced(
                    "dropout-last",
                    at,
                    f"dropout behind the last layer ({layer.name}): it blanks what the network "
                    "puts out; move it before the last layer",
                )
        elif bent := next((each for each in after if _is(each, _BENT, _BENT_NAMES)), None):
            yield Misplaced(
                "dropout-activation",
                at,
                f"dropout before the activation ({layer.name}, before {bent.name}): what is "
                "dropped is not off behind it; move it behind the activation",
            )
        elif norm := next((each for each in after if each.kind == "BatchNormalization"), None):
            yield Misplaced(
                "dropout-norm",
                at,
                f"dropout before a batch normalization ({layer.name}, before {norm.name}): it "
                "learns a variance that is not there when predicting; move it behind",
            )
        elif relu := next((each for each in after if _is(each, _RELUS, _RELU_NAMES)), None):
            yield Misplaced(
                "dropout-relu",
                at,
                f"dropout before the ReLU ({layer.name}, before {relu.name}): it computes the "
                "same there, and belongs behind it, before the next layer with weights",
            )


def _next(layers: Sequence[Stands], at: int) -> Iterator[int]:
    """The next layers that do something."""
    for each in layers[at].feeds:
        if layers[each].kind in _TRANSPARENT:
            yield from _next(layers, each)
        else:
            yield each


def _all_behind(layers: Sequence[Stands], at: int) -> set[int]:
    found: set[int] = set()
    waiting = list(layers[at].feeds)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += layers[each].feeds
    return found


def _is_end(layers: Sequence[Stands], at: int) -> bool:
    """Whether it leads to the network's end, and a layer before it has weights."""
    ends = any(layers[each].ends for each in (at, *_all_behind(layers, at)))
    return ends and any(each.weighs for each in layers[:at])


def _is(layer: Stands, kinds: frozenset[str], names: frozenset[str]) -> bool:
    return layer.kind in kinds or (layer.kind == "Activation" and layer.activation in names)
