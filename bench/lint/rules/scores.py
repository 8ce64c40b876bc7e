"""Traps in what is reported: the training data's score, the best epoch's, none of a baseline."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bench.lint.program import Program, function
from bench.lint.rules.rule import Hit, Rule
from bench.lint.values import (
    LITERAL,
    Data,
    Fit,
    History,
    Instance,
    Network,
    Ref,
    Score,
    Value,
    examples,
    inside,
    plain,
)

_MSE = ("mse", "mean_squared_error", "meansquarederror")
_TARGET = re.compile(r"^(y|labels?|targets?)(_|$)|_(y|labels?|targets?)$", re.IGNORECASE)
_MEASURE = re.compile(
    r"baseline|dummy|naive|persistence|r2|r_squared|coefficient_of_det|mean_predictor|constant_guess",
    re.IGNORECASE,
)
_MEANS = ("mean", "median", "average", "var", "std")


def _same(learned: Data, judged: Data) -> bool:
    """Whether examples are those trained on: the same, or a folder of them read again."""
    parted = learned.subset or judged.subset or learned.parts or judged.parts
    whole = not parted and learned.folder is not None
    again = whole and plain(learned.folder) is not None and learned.folder == judged.folder
    return learned.rows == judged.rows or bool(again)


def _on_training(program: Program) -> Iterator[Hit]:
    for number, fit in enumerate(program.fits):
        learned = examples(fit.x)
        if learned is None or learned.source == LITERAL:
            continue
        for judged in filter(None, map(examples, fit.validation[:1])):
            if _same(learned, judged):
                yield Hit(fit.line, "validation_data are the training data")
        scores = [
            each
            for each in program.scores
            if each.network is fit.network
            and (each.kind == "evaluate" or set(each.loops) <= set(fit.loops))
            and (each.fits > number or set(each.loops) & set(fit.loops))
        ]
        own = [each for each in scores if (x := examples(each.x)) and _same(learned, x)]
        others = fit.validation or "validation_split" in fit.options or len(own) < len(scores)
        evaluated = [each for each in own if each.kind == "evaluate"]
        if evaluated and not others:
            yield Hit(
                evaluated[0].call.lineno,
                f"evaluate is given what line {fit.line} trains on, and nothing else is judged",
            )
        yield from _on_more_than_training(fit, learned, scores)
        yield from _predicted_training(program, fit, learned)
    yield from _of_workload(program)


def _predicted_training(program: Program, fit: Fit, learned: Data) -> Iterator[Hit]:
    """Where a metric of scikit-learn judges what is predicted of the training data alone."""
    shown = [each for each in program.scores if each.network is fit.network]
    same = [x for each in shown if (x := examples(each.x)) and _same(learned, x)]
    if fit.validation or "validation_split" in fit.options or not shown:
        return
    alone = len(same) == len(shown) and all(each.kind == "predict" for each in shown)
    if alone and any(line > shown[0].call.lineno for line in program.metrics):
        yield Hit(
            shown[0].call.lineno,
            f"predict is given what line {fit.line} trains on, for a metric, and nothing else is "
            "judged",
            certain=False,
        )


def _on_more_than_training(fit: Fit, learned: Data, scores: list[Score]) -> Iterator[Hit]:
    """Where all that is evaluated has the training data in it, and others as well."""
    evaluated = [(each, examples(each.x)) for each in scores if each.kind == "evaluate"]
    wholes = {each.of for each in learned.parts}
    parted = "validation_split" in fit.options and not fit.validation
    if evaluated and all(
        judged and (judged.rows in wholes or (parted and judged.rows == learned.rows))
        for _, judged in evaluated
    ):
        yield Hit(
            evaluated[0][0].call.lineno,
            f"evaluate is given examples among which are those that line {fit.line} trains on",
            certain=False,
        )


def _of_workload(program: Program) -> Iterator[Hit]:
    """What `data()` of a file for `--workload` returns."""
    halves = [*getattr(program.returns.get("data"), "items", ())]
    if len(halves) == 2 and "model" in program.returns:
        learned, judged = map(examples, halves)
        if learned and judged and learned.rows == judged.rows:
            node = function(program.tree, "data")
            yield Hit(node.lineno if node else 1, "data() returns its training data twice")


# ---- the best epoch


def _best_epoch(program: Program) -> Iterator[Hit]:
    for kept in program.kept:
        found = kept.value
        if not (isinstance(found, History) and found.best and found.curve.startswith("val_")):
            continue
        if not _judged_elsewhere(program, found.fit):
            where = f"kept in {kept.name}" if kept.name else "printed"
            what = f"the best {found.curve} of all epochs is {where}"
            yield Hit(found.best, what, certain=not kept.name)
    for fit in program.fits:
        yield from _chosen_and_judged(program, fit)


def _judged_elsewhere(program: Program, fit: Fit) -> bool:
    """Whether the network is judged on data that no epoch was chosen by."""
    seen = {each.rows for value in (fit.x, *fit.validation) if (each := examples(value))}
    return any(
        (data := examples(score.x)) is not None and data.rows not in seen
        for score in program.scores
        if score.network is fit.network and score.kind == "evaluate"
    )


def _chosen_and_judged(program: Program, fit: Fit) -> Iterator[Hit]:
    chooser = next(filter(None, map(_chooses, inside(fit.options.get("callbacks")))), None)
    if chooser is None or not fit.validation:
        return
    if chooser.kind == "ModelCheckpoint" and not program.restored:
        return
    chosen_by = examples(fit.validation[0])
    scores = [each for each in program.scores if each.network is fit.network]
    if chooser.kind == "ModelCheckpoint":  # its weights may have been read into another one
        scores = program.scores
    judged = [each for each in scores if each.kind == "evaluate"]
    certain = bool(judged)
    if not judged and any(line > fit.line for line in program.metrics):
        judged = scores
    same = [
        each
        for each in judged
        if chosen_by and (x := examples(each.x)) and x.rows == chosen_by.rows
    ]
    if same and len(same) == len(judged):
        yield Hit(
            same[0].call.lineno,
            f"the weights are those of the best epoch by these data ({chooser.kind}, line "
            f"{chooser.line}), and {same[0].kind} judges them by the same",
            certain,
        )


def _chooses(callback: Value) -> Instance | None:
    if not isinstance(callback, Instance):
        return None
    option = {"EarlyStopping": "restore_best_weights", "ModelCheckpoint": "save_best_only"}
    name = option.get(callback.kind)
    monitor = plain(callback.option("monitor", 0 if callback.kind == "EarlyStopping" else 1))
    by_training = isinstance(monitor, str) and not monitor.startswith("val_")
    chosen = name is not None and plain(callback.option(name)) is True and not by_training
    return callback if chosen else None


# ---- without a measure


def _no_baseline(program: Program) -> Iterator[Hit]:
    if program.returns.keys() >= {"model", "data"} or _has_measure(program.tree):
        return  # of a workload's file the table shows the mean predictor
    for fit in program.fits:
        network = fit.network
        last = _last(network)
        judged = [each for each in program.scores if each.network is network]
        if last is None or last.kind != "Dense" or _units(last) != 1:
            continue
        by_mse = next((line for line, loss in network.losses if _is_mse(loss)), None)
        shown = [each for each in judged if each.kind == "evaluate"]
        is_linear = plain(last.option("activation", 1)) in (None, "linear")
        if program.errors and is_linear:
            yield Hit(
                program.errors[0],
                "an MSE of what the network predicts is worked out, and no constant guess's",
                certain=False,
            )
        elif by_mse and shown and is_linear:
            yield Hit(
                shown[0].call.lineno,
                f"an MSE (of line {by_mse}) is reported, and no constant guess beside it",
                certain=False,
            )


def _last(network: Network) -> Instance | None:
    """The last layer, but for an activation that changes nothing; None where it is not known."""
    kept = [layer for layer in network.layers if not _changes_nothing(layer)]
    return kept[-1] if network.known and kept else None


def _changes_nothing(layer: Instance) -> bool:
    return layer.kind == "Activation" and plain(layer.option("activation", 0)) == "linear"


def _units(dense: Instance) -> object:
    """How many it has; by Keras 1's name, too."""
    return plain(dense.option("units", 0) or dense.option("output_dim"))


def _is_mse(loss: Value) -> bool:
    name = loss.kind if isinstance(loss, Instance) else plain(loss)
    name = loss.last if isinstance(loss, Ref) else name
    return isinstance(name, str) and name.lower() in _MSE


def _has_measure(tree: ast.Module) -> bool:
    """Whether a mean of targets, their variance or r² is worked out anywhere."""
    for node in ast.walk(tree):
        name = getattr(node, "id", getattr(node, "attr", getattr(node, "name", None)))
        if isinstance(name, str) and _MEASURE.search(name):
            return True
        if isinstance(node, ast.Constant) and _MEASURE.search(str(node.value)):
            return True
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in _MEANS and _of_targets(node):
            return True
    return False


def _of_targets(call: ast.AST) -> bool:
    parts = [*ast.walk(call)]
    named = [each.id for each in parts if isinstance(each, ast.Name)]
    named += [str(each.value) for each in parts if isinstance(each, ast.Constant)]
    return any(map(_TARGET.search, named))


RULES = (
    Rule(
        "training-score",
        "scoring on the training data",
        "it measures memorisation: grind's published network without dropout had an MSE far below "
        "20 there, and a worse one on other images",
        "evaluate on examples that are not trained on: validation_data, or a test split",
        _on_training,
    ),
    Rule(
        "best-epoch",
        "the best epoch reported as the result",
        "the best of many noisy scores is better than the network: the epoch was chosen by the "
        "data that it is evaluated on",
        "report the last epoch, or evaluate the chosen one once on a third part of the data",
        _best_epoch,
    ),
    Rule(
        "no-baseline",
        "no baseline beside an MSE",
        "an MSE alone says nothing: a published network's 426.56 was worse than predicting the "
        "mean, which has 194",
        "print the MSE of predicting the training targets' mean beside it, or r²",
        _no_baseline,
    ),
)
