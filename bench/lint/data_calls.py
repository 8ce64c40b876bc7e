"""What calls of libraries make of examples: read, resized, turned, put together, parted."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.lint import scaling
from bench.lint.names import words
from bench.lint.operations import RAW, UNIT
from bench.lint.values import (
    LITERAL,
    Const,
    Data,
    Generator,
    Instance,
    Items,
    Part,
    Ref,
    Resized,
    Value,
    examples,
    fresh,
    inside,
    plain,
)

if TYPE_CHECKING:
    from bench.lint.expressions import Expressions as Reader

Given = tuple[Value, ...]
Options = Mapping[str, Value]

_PICTURES = ("mnist", "fashion_mnist", "cifar10", "cifar100")
# Functions and methods that give the same examples, with the same range.
_SAME = words(
    "array asarray ascontiguousarray expand_dims reshape squeeze float32 float64 cast copy "
    "convert_to_tensor constant img_to_array moveaxis transpose from_tensor_slices astype "
    "batch prefetch repeat with_options unbatch to_numpy numpy ravel flatten ensure_shape "
    "from_tensors apply enumerate drop pop DataFrame Series"
)
# … with pixels that are not known any more.
_CHANGED = words("map convert_image_dtype per_image_standardization")
# Mirrored or turned: other pixels of the same picture.
_TURNS = words(
    "flip fliplr flipud rot90 flip_left_right flip_up_down mirror rotate adjust_brightness "
    "adjust_contrast"
)
_JOINS = words("concatenate concat vstack append stack hstack array")
_FOLDERS = frozenset({"image_dataset_from_directory"})
_OVERSAMPLERS = words(
    "RandomOverSampler SMOTE SMOTENC ADASYN BorderlineSMOTE SVMSMOTE KMeansSMOTE SMOTETomek "
    "SMOTEENN"
)
_SPLITTERS = words(
    "KFold StratifiedKFold RepeatedKFold RepeatedStratifiedKFold ShuffleSplit "
    "StratifiedShuffleSplit LeaveOneOut TimeSeriesSplit GroupKFold StratifiedGroupKFold "
    "GroupShuffleSplit LeaveOneGroupOut"
)
_CV2 = {
    "INTER_NEAREST": "nearest",
    "INTER_LINEAR": "bilinear",
    "INTER_CUBIC": "bicubic",
    "INTER_AREA": "area",
    "INTER_LANCZOS4": "lanczos",
}
_PILLOW = {
    "NEAREST": "nearest",
    "BOX": "area",
    "BILINEAR": "bilinear",
    "BICUBIC": "bicubic",
    "LANCZOS": "lanczos",
    "ANTIALIAS": "lanczos",
}


def function(
    reader: Reader, node: ast.Call, called: Ref, given: Given, options: Options
) -> Value | None:
    """What a function of a library makes of examples; None where it is none of them."""
    name, first = called.last, examples(given[0]) if given else None
    if name == "load_data" and called.name.startswith("keras.datasets."):
        return _published(called.name.split(".")[-2])
    if name in _FOLDERS:
        return _folder(reader, node, given, options)
    if name == "load_img":
        return _picture(node, given, options)
    if name == "ImageDataGenerator":
        return Generator(_of_generator(options))
    if name == "train_test_split":
        return _parted(reader, node, given)
    if name in ("open", "imread") and called.name.startswith(("PIL.", "cv2.", "imageio.")):
        return Data(pixels=RAW, source=called.name.partition(".")[0], loops=reader.loops)
    if name == "resize" and first:
        return _resized(called.name, node, first, given, options)
    if name in _JOINS and given and isinstance(given[0], Items):
        return _joined(node, name, given, options)
    if name in ("repeat", "tile", "resample") and first:
        return _repeated(node, name, first, given, options)
    if name in _TURNS and first:
        return replace(first, flipped=True)
    if name in ("Path", "PurePath", "str", "fspath") and given:
        return given[0] if isinstance(given[0], Const) else None
    if name == "join" and given and all(isinstance(plain(each), str) for each in given):
        return Const("/".join(plain(each) for each in given))
    return _same(name, first)


def method(
    reader: Reader, node: ast.Call, owner: Value, name: str, given: Given, options: Options
) -> Value:
    """What a method makes of examples."""
    if isinstance(owner, Generator):
        return _flow(reader, owner, node, name, given, options)
    if isinstance(owner, Instance):
        if name == "split" and owner.kind in _SPLITTERS:
            reader.split(node, given)
        if name in ("fit_resample", "fit_sample") and owner.kind in _OVERSAMPLERS:
            return _oversampled(owner, node, given)
        if owner.kind in scaling.SCALERS:
            scaled = scaling.by_scaler(reader.program, owner, name, given)
            return scaled or Data(loops=reader.loops)
        return Data(loops=reader.loops)
    known = _of_data(reader, node, owner, name, given, options) if isinstance(owner, Data) else None
    return known or Data(loops=reader.loops)


def _of_data(
    reader: Reader, node: ast.Call, owner: Data, name: str, given: Given, options: Options
) -> Data | None:
    if name in ("take", "skip"):
        part = Part(owner.rows, name, owner.shuffled)
        return replace(owner, rows=fresh(), parts=(*owner.parts, part), loops=reader.loops)
    if name == "shuffle":
        again = plain(options.get("reshuffle_each_iteration", Const(True)))
        return replace(owner, shuffled=node.lineno if again is not False else owner.shuffled)
    if name == "cache":
        return replace(owner, shuffled=None)
    if name == "map":
        kept = None if reader.program.resizes else owner.resized
        return replace(owner, pixels=None, resized=kept)
    if name == "filter":
        return replace(owner, rows=fresh(), pixels=None)
    if name == "mean":
        return scaling.mean(owner, options)
    if name == "resize" and owner.source == "PIL":
        return _resized("PIL.Image", node, owner, (owner, *given), options)
    if name == "transpose" and owner.source == "PIL":
        return replace(owner, flipped=True)
    return _same(name, owner)


def of_python(reader: Reader, name: str, given: Given) -> Value:
    """What Python's own functions make of examples."""
    if name == "zip" and given:
        return Items((Items(tuple(Data(rows=_rows(each)) for each in given)),))
    if name in ("sorted", "reversed", "iter", "next") and given and isinstance(given[0], Data):
        return given[0]
    return Data(loops=reader.loops)


def _rows(value: Value) -> int:
    data = examples(value)
    return data.rows if data else fresh()


def _same(name: str, data: Data | None) -> Data | None:
    if data is None:
        return None
    if name in _SAME:
        return data
    return replace(data, pixels=None, resized=None) if name in _CHANGED else None


def _published(name: str) -> Value:
    pixels = RAW if name in _PICTURES else None
    kind = "pictures" if pixels else name
    return Items(
        tuple(Items((Data(pixels=pixels, source=kind), Data(source="labels"))) for _ in range(2))
    )


def _of_generator(options: Options) -> str | None:
    """The range of pixels that an ImageDataGenerator gives."""
    changes = ("preprocessing_function", "featurewise_center", "samplewise_center")
    if any(plain(options.get(each)) or each in options for each in changes):
        return None
    if "rescale" not in options:
        return RAW
    factor = plain(options["rescale"])
    is_unit = isinstance(factor, float) and abs(factor - 1 / 255) < 1e-6
    return UNIT if is_unit else None


def _flow(
    reader: Reader, owner: Generator, node: ast.Call, name: str, given: Given, options: Options
) -> Value:
    size, subset = plain(options.get("target_size")) or (256, 256), options.get("subset")
    if name == "flow_from_directory":
        resized = _to("Pillow", plain(options.get("interpolation")) or "nearest", size, node)
        folder = options.get("directory", given[0] if given else None)
        return Data(
            pixels=owner.pixels,
            resized=resized,
            folder=folder,
            subset=(str(plain(subset)), None, node.lineno) if subset else None,
            loops=reader.loops,
        )
    first = examples(options.get("x", given[0] if given else None))
    if name == "flow" and first:
        pixels = owner.pixels if first.pixels == RAW else None
        part = (Part(first.rows, str(plain(subset))),) if subset else ()
        return replace(first, pixels=pixels, parts=(*first.parts, *part))
    return Data(loops=reader.loops)


def _folder(reader: Reader, node: ast.Call, given: Given, options: Options) -> Value:
    size = plain(options.get("image_size")) or (256, 256)
    keeps = any(plain(options.get(f"{each}_to_aspect_ratio")) for each in ("crop", "pad"))
    filter_ = plain(options.get("interpolation", Const("bilinear")))
    resized = _to("TensorFlow", filter_, size, node, keeps=keeps)
    folder = options.get("directory", given[0] if given else None)
    shuffles = plain(options.get("shuffle", Const(True))) is not False
    subset = plain(options.get("subset"))
    made = Data(
        pixels=RAW,
        resized=resized,
        folder=folder,
        subset=(str(subset), options.get("seed"), node.lineno) if subset else None,
        shuffled=node.lineno if shuffles else None,
        loops=reader.loops,
    )
    if subset == "both":
        return Items(
            tuple(
                replace(made, rows=fresh(), subset=(each, None, node.lineno))
                for each in ("training", "validation")
            )
        )
    return made


def _picture(node: ast.Call, given: Given, options: Options) -> Data:
    wanted = options.get("target_size", given[2] if len(given) > 2 else None)
    made = Data(pixels=RAW, source="Keras")
    if wanted is None:
        return made
    keeps = plain(options.get("keep_aspect_ratio")) is True
    filter_ = plain(options.get("interpolation", Const("nearest")))
    return replace(made, resized=_to("Pillow", filter_, plain(wanted), node, keeps=keeps))


def _resized(by: str, node: ast.Call, data: Data, given: Given, options: Options) -> Data | None:
    size = options.get("size", options.get("dsize", given[1] if len(given) > 1 else None))
    library = by.partition(".")[0]
    if library == "cv2":
        chosen = options.get("interpolation", given[5] if len(given) > 5 else None)
        found = _CV2.get(chosen.last) if isinstance(chosen, Ref) else "bilinear"
        height_first = _turned(plain(size))
    elif library == "PIL":
        chosen = options.get("resample", given[2] if len(given) > 2 else None)
        found = _PILLOW.get(chosen.last) if isinstance(chosen, Ref) else "bicubic"
        height_first = _turned(plain(size))
    elif library in ("tensorflow", "keras"):
        found = plain(options.get("method", options.get("interpolation", Const("bilinear"))))
        height_first = plain(size)
    else:  # as scikit-image's, which divides by 255 as well
        return replace(data, pixels=None, resized=None)
    title = {"cv2": "OpenCV", "PIL": "Pillow"}.get(library, "TensorFlow")
    return replace(data, resized=_to(title, found, height_first, node))


def _to(
    by: str, filter_: object, size: object, node: ast.Call, *, keeps: bool = False
) -> Resized | None:
    if not isinstance(filter_, str):
        return None
    is_pair = isinstance(size, tuple) and len(size) == 2 and all(type(s) is int for s in size)
    pair = (size[0], size[1]) if is_pair and isinstance(size, tuple) else None
    return Resized(by, filter_.lower(), pair, node.lineno, keeps)


def _turned(size: object) -> object:
    return size[::-1] if isinstance(size, tuple) else size


def _joined(node: ast.Call, name: str, given: Given, options: Options) -> Data | None:
    every = [each for each in inside(given[0]) if isinstance(each, Data)]
    axis = plain(options.get("axis", given[1] if len(given) > 1 else Const(0)))
    if name == "array" and isinstance(given[0], Items) and given[0].items and not every:
        return Data(source=LITERAL)
    if not every or axis not in (0, None) or name in ("stack", "hstack"):
        return None
    if len(every) == 1:
        return every[0]
    first = every[0]
    alike = all(each.pixels == first.pixels for each in every)
    resized = first.resized if all(each.resized == first.resized for each in every) else None
    return Data(
        pixels=first.pixels if alike else None,
        copies=_copies(every, node.lineno, exact=name != "array"),
        resized=resized,
        flipped=all(each.flipped for each in every),
    )


def _copies(every: Sequence[Data], line: int, *, exact: bool) -> tuple[str, int] | None:
    """What of the examples that are put together are copies of others."""
    held = next((each.copies for each in every if each.copies), None)
    if held:
        return held
    plain_rows = [each.rows for each in every if not each.flipped]
    if any(each.flipped and each.rows in plain_rows for each in every):
        return "mirrored or changed copies", line
    return ("copies", line) if exact and len(set(plain_rows)) < len(plain_rows) else None


def _repeated(node: ast.Call, name: str, data: Data, given: Given, options: Options) -> Data | None:
    if name == "resample":
        replaces = plain(options.get("replace", Const(True))) is not False
        return replace(data, rows=fresh(), copies=("copies", node.lineno)) if replaces else data
    axis = plain(options.get("axis", given[2] if len(given) > 2 else Const(None)))
    if name == "repeat" and axis == 0:
        return replace(data, rows=fresh(), copies=("copies", node.lineno))
    return None


def _parted(reader: Reader, node: ast.Call, given: Given) -> Items:
    reader.split(node, given)
    made: list[Value] = []
    for each in given:
        data = examples(each) or Data()
        for side in ("train", "test"):
            part = Part(data.rows, f"{side} of line {node.lineno}")
            made.append(replace(data, rows=fresh(), parts=(*data.parts, part), loops=reader.loops))
    return Items(tuple(made))


def _oversampled(owner: Instance, node: ast.Call, given: Given) -> Items:
    what = "copies" if owner.kind == "RandomOverSampler" else "points between others"
    made: list[Value] = []
    for each in given:
        data = examples(each) or Data()
        made.append(replace(data, rows=fresh(), copies=(what, node.lineno)))
    return Items(tuple(made))
