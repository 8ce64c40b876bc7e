"""Traps on the way into the network: scaling, aspect, another preparation when predicting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.lint.operations import RAW
from bench.lint.program import Program
from bench.lint.rules.networks import is_weighted
from bench.lint.rules.rule import Hit, Rule
from bench.lint.values import Data, Fit, Instance, Network, Score, examples, plain

# What brings pixels to a range that a network learns on.
SCALERS = ("Rescaling", "Normalization", "Lambda")
_NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization")
# Layers whose first step is a weighted sum, so that large inputs are large activations.
_SUMMING = ("Dense", "Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D")
# A folder's pictures are looked at, so many; squashed is what differs by more than a tenth.
_LOOKED_AT, _MOST_FILES, _SQUASHED = 60, 10_000, 0.1
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


def _unscaled(program: Program) -> Iterator[Hit]:
    for fit in program.fits:
        data = examples(fit.x)
        layer = _first(fit.network)
        if data and data.pixels == RAW and layer:
            yield Hit(
                fit.line,
                f"pixels from 0 to 255 go into {layer.kind} (line {layer.line}) as they are",
            )


def _first(network: Network) -> Instance | None:
    """The first layer with weights, where it sees the input as it came."""
    if not network.known:
        return None
    for layer in network.layers:
        if layer.own or layer.kind in (*SCALERS, *_NORMS):
            return None
        if is_weighted(layer):
            return layer if layer.kind in _SUMMING else None
    return None


def _otherwise(program: Program) -> Iterator[Hit]:
    """Of pictures that a trained network is shown: are they prepared as in training?"""
    for score in program.scores:
        fits = [each for each in program.fits if each.network is score.network]
        learned = [data for each in fits if (data := examples(each.x))]
        shown = examples(score.x)
        if not learned or shown is None or len(learned) < len(fits):
            continue
        if all(each.pixels != shown.pixels for each in learned):
            yield from _other_range(fits[0], learned[0], score, shown)
        yield from _other_filter(learned[0], score, shown)
    for fit in program.fits:
        given = [("validation_data", fit.line, each) for each in fit.validation[:1]]
        given += [
            (score.kind, score.call.lineno, score.x)
            for score in program.scores
            if score.network is fit.network and score.x
        ]
        hits = (_other_scale(fit, what, line, examples(value)) for what, line, value in given)
        yield from islice(filter(None, hits), 1)  # one cause, however often it is judged


def _other_scale(fit: Fit, what: str, line: int, shown: Data | None) -> Hit | None:
    """Of what statistics have scaled: by those of the training data?"""
    learned = examples(fit.x)
    if learned is None or shown is None or shown.fitted in (None, learned.fitted):
        return None
    if learned.fitted is not None:
        whose = "its own" if shown.fitted == shown.rows else "other examples'"
        trains = "what that of the training data has"
    elif shown.fitted == learned.rows:
        whose, trains = "the training data's", "these as they were"
    else:
        return None
    return Hit(
        line,
        f"{what} is given what {whose} mean or range has scaled, and line {fit.line} trains on "
        f"{trains}",
    )


def _other_range(fit: Fit, learned: Data, score: Score, shown: Data) -> Iterator[Hit]:
    if learned.pixels and shown.pixels and learned.pixels != shown.pixels:
        yield Hit(
            score.call.lineno,
            f"{score.kind} is given pixels of {shown.pixels}, and line {fit.line} trains on "
            f"{learned.pixels}",
        )


def _other_filter(learned: Data, score: Score, shown: Data) -> Iterator[Hit]:
    first, second = learned.resized, shown.resized
    if first and second and first.filter != second.filter:
        yield Hit(
            second.line,
            f"what {score.kind} of line {score.call.lineno} is given is resized by {second.by} "
            f"({second.filter}), and line {first.line} trains on what {first.by} resizes "
            f"({first.filter})",
        )


def _squashed(program: Program) -> Iterator[Hit]:
    """Where the folder is there, its pictures tell whether their aspect is kept."""
    for data in _read_from_folders(program):
        resized, folder = data.resized, plain(data.folder)
        if resized is None or resized.size is None or resized.keeps_aspect:
            continue
        if not isinstance(folder, str) or (seen := _usual_size(program, folder)) is None:
            continue
        (width, height), count = seen
        new_height, new_width = resized.size
        stretched = (new_width / new_height) / (width / height)
        if abs(stretched - 1) > _SQUASHED:
            yield Hit(
                resized.line,
                f"pictures of {width}x{height} ({count} of those looked at in {folder}) are "
                f"resized to {new_width}x{new_height}, {stretched:.2f} times as wide for their "
                "height",
            )


def _read_from_folders(program: Program) -> Iterator[Data]:
    for fit in program.fits:
        for value in (fit.x, *fit.validation):
            data = examples(value)
            if data is not None and data.folder is not None:
                yield data


def _usual_size(program: Program, folder: str) -> tuple[tuple[int, int], int] | None:
    """The size of most pictures in a folder, and of how many."""
    from PIL import Image

    sizes: Counter[tuple[int, int]] = Counter()
    try:
        top = program.folder / Path(folder).expanduser()
        every = islice(top.rglob("*"), _MOST_FILES)
        files = (each for each in every if each.suffix.lower() in _PICTURES)
        for path in islice(files, _LOOKED_AT):
            with Image.open(path) as picture:  # its first bytes alone
                sizes[picture.size] += 1
    except (OSError, ValueError, RuntimeError, Image.DecompressionBombError):
        return None
    most = sizes.most_common(1)
    return most[0] if most and most[0][1] > sizes.total() / 2 else None


RULES = (
    Rule(
        "no-scaling",
        "pixels that are not scaled",
        "the first layer's sums are some 100 times what its initial weights are made for: a "
        "perceptron's loss after three epochs on generated digits was 4.4, and 0.38 with scaling",
        "divide by 255, or begin the network with `keras.layers.Rescaling(1 / 255)`",
        _unscaled,
    ),
    Rule(
        "squashed",
        "a changed aspect ratio",
        "shapes are distorted: a circle becomes an ellipse, and sizes and angles are wrong",
        "choose a size of the same aspect ratio, or `crop_to_aspect_ratio=True`",
        _squashed,
    ),
    Rule(
        "other-preparation",
        "another resize or scaling when predicting than in training",
        "the network sees images unlike those that it was trained on, and is worse on them than "
        "its score",
        "prepare them by the same function, or put scaling and resizing into the network; fit a "
        "scaler to the training data only, and transform all others with it",
        _otherwise,
    ),
)
