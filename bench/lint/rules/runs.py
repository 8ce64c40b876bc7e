"""Traps in several trainings: a model that is not built anew, and one training against another."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from bench.lint.program import Compared, Program, called
from bench.lint.rules.rule import Hit, Rule
from bench.lint.values import Fit, History, Network, Score, Value, examples, plain

_Loop = ast.For | ast.AsyncFor
_SPREAD = frozenset(
    {"std", "stdev", "pstdev", "sem", "var", "ttest_ind", "ttest_rel", "wilcoxon", "bootstrap"}
    | {"cross_val_score", "cross_validate", "KFold", "StratifiedKFold", "RepeatedKFold"}
    | {"RepeatedStratifiedKFold", "seeds", "n_seeds", "repeats", "n_repeats", "repetitions"}
    | {"trials", "n_trials", "n_runs", "errorbar", "confidence", "executions_per_trial"}
)
# … which may be one training, whose rate falls by hand.
_SCHEDULED = tuple(f"tries another {each}" for each in ("optimizer", "learning_rate", "batch_size"))
_CHOOSES = ("max", "min", "argmax", "argmin", "sorted")
# What tells that a training is meant to go on: layers that are let go, a rate that falls by hand.
_CONTINUES = ("trainable", "lr", "learning_rate", "set_value", "assign", "initial_epoch")
_CALLED = {"epochs": "number of epochs", "lr": "learning_rate"}
_OPTIONS = ("epochs", "batch_size", "optimizer", "loss", "learning_rate", "lr")


def _not_rebuilt(program: Program) -> Iterator[Hit]:
    yield from _goes_on(program)
    for fit in program.fits:
        if any(network is fit.network for network, _ in program.restored):
            continue
        for loop in fit.loops:
            if not isinstance(loop, _Loop) or loop in fit.network.loops:
                continue
            if why := _each_its_own(program, loop):
                yield Hit(
                    fit.line,
                    f"the loop of line {loop.lineno} {why}, and goes on with the weights of the "
                    f"network of line {fit.network.line}, which is built before it",
                    certain=not why.startswith(_SCHEDULED),
                )
                break


def _goes_on(program: Program) -> Iterator[Hit]:
    """Where a network is trained again for another number of epochs, and both results are kept."""
    if any(getattr(node, "attr", "") in _CONTINUES for node in ast.walk(program.tree)):
        return
    last: dict[int, Fit] = {}
    for fit in program.fits:
        before = last.get(id(fit.network))
        last[id(fit.network)] = fit
        if before is None or fit.loops or before.loops or "initial_epoch" in fit.options:
            continue
        first, second = examples(before.x), examples(fit.x)
        same = first is not None and second is not None and first.rows == second.rows
        lengths = _epochs(before), _epochs(fit)
        restored = any(network is fit.network for network, _ in program.restored)
        if not same or restored or None in lengths or lengths[0] == lengths[1]:
            continue
        if _is_kept(program, before, fit) and _is_kept(program, fit, None):
            yield Hit(
                fit.line,
                f"{lengths[1]} epochs are trained with the weights that line {before.line} left "
                f"after {lengths[0]}",
                certain=False,
            )


def _epochs(fit: Fit) -> object:
    return plain(fit.options.get("epochs", fit.options.get("nb_epoch")))


def _is_kept(program: Program, fit: Fit, then: Fit | None) -> bool:
    """Whether what came of a training is kept, or judged before the next one."""
    until = then.line if then else math.inf
    kept, over = _kept_as(program.tree, fit), _kept_as(program.tree, then) if then else set()
    read = {
        node.id
        for node in ast.walk(program.tree)
        if isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and fit.line < node.lineno < until
    }
    return bool(kept - over or kept & read) or any(
        score.network is fit.network
        and score.kind == "evaluate"
        and fit.line < score.call.lineno < until
        for score in program.scores
    )


def _kept_as(tree: ast.Module, fit: Fit) -> set[str]:
    """The names that hold what a training returned."""
    made = (each for each in ast.walk(tree) if isinstance(each, ast.Assign))
    targets = [target for each in made if each.value is fit.call for target in each.targets]
    return {name for target in targets for name in _names(target)}


def _each_its_own(program: Program, loop: ast.For | ast.AsyncFor) -> str:
    """What tells that each round is meant to be a training of its own."""
    over = loop.iter
    while isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.args:
        over = over.args[0]  # of enumerate
    if any(split.call is over for split in program.splits):
        return "trains a fold in each round"
    drawn = _drawn_from(loop)
    for call in (each for each in ast.walk(loop) if isinstance(each, ast.Call)):
        name = called(call)
        if name == "set_random_seed" and _names(call) & drawn:
            return "trains from another seed in each round"
        for what, given in _chosen_by(name, call):
            if _names(given) & drawn and _is_scored(loop):
                return f"tries another {_CALLED.get(what, what)} in each round"
    return ""


def _chosen_by(name: str, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What a call chooses for a training: each argument's name and value."""
    if name == "compile":
        yield from zip(("optimizer", "loss"), call.args, strict=False)
    if name in ("compile", "fit"):
        yield from ((each.arg, each.value) for each in call.keywords if each.arg in _OPTIONS)


def _drawn_from(loop: ast.For | ast.AsyncFor) -> set[str]:
    """Names that differ between a loop's rounds, as its variable does."""
    drawn = _names(loop.target)
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and _names(node.value) & drawn:
            if isinstance(node.value, ast.Call) and called(node.value) in ("fit", "evaluate"):
                continue
            drawn |= {name for target in node.targets for name in _names(target)}
    return drawn


def _is_scored(loop: ast.AST) -> bool:
    """Whether a round's result is kept or shown."""
    kept = ("evaluate", "append", "print", "plot")
    return any(
        (isinstance(node, ast.Call) and called(node) in kept)
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript))
        for node in ast.walk(loop)
    )


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


# ---- a difference of single trainings


def _single_trainings(program: Program) -> Iterator[Hit]:
    if _has_spread(program.tree):
        return
    for each in program.compared:
        first, second = _trained(each.left), _trained(each.right)
        if first and second and first is not second and not _is_within(each, first, second):
            yield Hit(
                each.node.lineno,
                f"one training of the network of line {first.line} is held against one of that "
                f"of line {second.line}",
                certain=False,
            )
    yield from _best_of_a_loop(program)


def _is_within(each: Compared, first: Network, second: Network) -> bool:
    """Whether they are the same line's: rounds of a loop, which may be seeds."""
    return first.line == second.line and isinstance(each.node, ast.BinOp)


def _best_of_a_loop(program: Program) -> Iterator[Hit]:
    """The best of settings that a loop tries once each."""
    for fit in program.fits:
        built_in = [loop for loop in fit.loops if loop in fit.network.loops]
        loops = [loop for loop in built_in if isinstance(loop, _Loop) and _of_settings(loop)]
        if len(fit.loops) != 1 or not loops:
            continue
        kept = {each.name for each in program.kept if loops[0] in each.loops and each.name}
        if line := _chosen(program.tree, loops[0], kept):
            yield Hit(
                line,
                f"the best of the settings that the loop of line {loops[0].lineno} trains once "
                "each is chosen",
                certain=False,
            )


def _of_settings(loop: ast.For | ast.AsyncFor) -> bool:
    """Whether a loop goes over what is written out: [32, 64, 128], or a dict of models."""
    over = loop.iter
    if isinstance(over, ast.Call):
        name = called(over)
        if name == "enumerate" and over.args:
            over = over.args[0]
        elif name not in ("items", "product"):
            return False
    words = {name.lower() for name in _names(loop.target)}
    return not words & {"seed", "fold", "run", "repeat", "trial", "epoch", "_"}


def _chosen(tree: ast.Module, loop: ast.AST, kept: set[str]) -> int | None:
    for node in ast.walk(tree):
        chooses = isinstance(node, ast.Call) and called(node) in _CHOOSES
        if isinstance(node, ast.Call) and chooses and node.args and _names(node.args[0]) & kept:
            return node.lineno
    for node in ast.walk(loop):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            bound = {
                name
                for each in node.body
                if isinstance(each, ast.Assign)
                for target in each.targets
                for name in _names(target)
            }
            compared = _names(node.test)
            best = {name for name in bound & compared if "best" in name.lower()}
            if best and not isinstance(node.test.ops[0], ast.Is | ast.IsNot):
                return node.lineno
    return None


def _trained(value: Value) -> Network | None:
    if isinstance(value, Score):
        return value.network
    return value.fit.network if isinstance(value, History) and value.curve else None


def _has_spread(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        name = getattr(node, "id", getattr(node, "attr", None))
        if name in _SPREAD:
            return True
    return False


RULES = (
    Rule(
        "not-rebuilt",
        "a model that is not rebuilt between runs",
        "the second run begins where the first ended, and a later fold was trained on its test "
        "data: a published curve of 100 epochs began at 98 %, where an untrained network has 10 %",
        "build and compile the model inside the loop; compile alone keeps the weights",
        _not_rebuilt,
    ),
    Rule(
        "single-trainings",
        "a difference smaller than the spread",
        "one network differs as much from seed to seed: five seeds of grind's reach from 38.7 to "
        "88.6 s², so that a gain of 10 may be none",
        "train each from several seeds and compare the intervals (`experiment` does)",
        _single_trainings,
    ),
)
