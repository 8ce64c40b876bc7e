"""Traps in how examples are split: copies, flips and whole passes on both sides, shots split."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bench.lint.program import Program, called
from bench.lint.rules.rule import Hit, Rule
from bench.lint.values import Data, Fit, Value, examples, inside, plain

_GROUP = re.compile(
    r"(?:^|_)(?:shot|patient|subject|session|speaker|person|scene|video|group|participant)s?"
    r"_?(?:ids?|names?|no|nr|numbers?)(?:$|_)",
    re.IGNORECASE,
)
_GROUPED = ("Group", "groups", "groupby", "LeaveOneGroup", "PredefinedSplit")


def _judged(program: Program) -> Iterator[tuple[Fit, Data, Data, int]]:
    """Each training with what it learns from, and what it is judged on, with the line."""
    for fit in program.fits:
        learned = examples(fit.x)
        if learned is None:
            continue
        scores = [each for each in program.scores if each.network is fit.network]
        shown = [(each.x, each.call.lineno) for each in scores if each.kind == "evaluate"]
        for value, line in [*((each, fit.line) for each in fit.validation[:1]), *shown]:
            if (judged := examples(value)) is not None:
                yield fit, learned, judged, line


def _are_parts(learned: Data, judged: Data) -> bool:
    """Whether they are two parts of the same examples."""
    sides = {each.of: each.side for each in learned.parts}
    return any(sides.get(each.of, each.side) != each.side for each in judged.parts)


def _copies(program: Program) -> Iterator[Hit]:
    for split in program.splits:
        for what, line in _copied(split.of):
            parted = f"which line {split.call.lineno} then parts"
            yield Hit(line, f"{what} are put beside the examples, {parted}")
    for fit in program.fits:
        data = examples(fit.x)
        if data and data.copies and plain(fit.options.get("validation_split")):
            yield Hit(
                data.copies[1],
                f"{data.copies[0]} are put beside the examples, of which validation_split of line "
                f"{fit.line} then takes the last",
            )
    for _, learned, judged, line in _judged(program):
        if learned.copies and learned.copies == judged.copies and _are_parts(learned, judged):
            yield Hit(
                learned.copies[1],
                f"{learned.copies[0]} are put beside the examples, and the parts that are trained "
                f"on and judged on in line {line} are taken from them afterwards",
            )


def _copied(values: tuple[Value, ...]) -> Iterator[tuple[str, int]]:
    for value in values:
        for each in inside(value):
            if isinstance(each, Data) and each.copies:
                yield each.copies


def _reshuffled(program: Program) -> Iterator[Hit]:
    for _, learned, judged, line in _judged(program):
        first = {each.of: each for each in learned.parts}
        for part in judged.parts:
            other = first.get(part.of, part)
            if part.shuffled and {part.side, other.side} == {"take", "skip"}:
                yield Hit(
                    part.shuffled,
                    "the data are shuffled anew in every pass, and take and skip (judged on in "
                    f"line {line}) part each pass otherwise",
                )


def _other_seeds(program: Program) -> Iterator[Hit]:
    for _, learned, judged, _line in _judged(program):
        if not (learned.subset and judged.subset) or not _same_folder(learned, judged):
            continue
        (first, first_seed, _), (second, second_seed, line) = learned.subset, judged.subset
        seeds = plain(first_seed), plain(second_seed)
        if first != second and None not in seeds and seeds[0] != seeds[1]:
            yield Hit(
                line,
                f"subset={second!r} is drawn with seed {seeds[1]}, and {first!r} with {seeds[0]}",
            )


def _same_folder(learned: Data, judged: Data) -> bool:
    first, second = learned.folder, judged.folder
    return first is not None and (first is second or first == second)


def _by_image(program: Program) -> Iterator[Hit]:
    """Where the script knows groups of examples, and parts them without regard to these."""
    words = set(_words(program.tree))
    named = sorted(word for word in words if _GROUP.search(word))
    if not named or any(part in word for word in words for part in _GROUPED):
        return
    for split in program.splits:
        of_groups = any(_GROUP.search(word) for each in split.call.args for word in _words(each))
        has_groups = len(split.call.args) > 2 and called(split.call) == "split"
        if not of_groups and not has_groups:
            yield Hit(
                split.call.lineno,
                f"examples are parted one by one, and `{named[0]}` tells which belong together",
                certain=False,
            )


def _words(tree: ast.AST) -> Iterator[str]:
    """Names, and short texts that could be names of columns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and _is_word(node.value):
            yield str(node.value)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 30 and value.isidentifier()


RULES = (
    Rule(
        "copies-across",
        "duplicates or flips across the split",
        "the network is evaluated on images that it was trained on, so that the score measures "
        "memorisation",
        "split the examples first, then augment only the training part",
        _copies,
    ),
    Rule(
        "reshuffled-split",
        "a split that differs in each pass",
        "after one epoch 84 of 100 validation examples were trained on as well, after three 99 "
        "(1,000 examples split 800 to 200)",
        "shuffle(…, reshuffle_each_iteration=False) before take and skip, or shuffle after them",
        _reshuffled,
    ),
    Rule(
        "other-seeds",
        "two subsets of a folder that are drawn with different seeds",
        "they overlap: at validation_split=0.2, 80 of 100 validation images are trained on as well",
        'give both the same seed, or take subset="both"',
        _other_seeds,
    ),
    Rule(
        "split-by-image",
        "a split by image, not by shot",
        "several images of one shot, patient or scene are nearly the same image, and one on either "
        "side is a leak",
        "split by group: GroupShuffleSplit, GroupKFold, or the list of their names",
        _by_image,
    ),
)
