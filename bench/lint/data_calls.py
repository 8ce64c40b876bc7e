"""What calls of libraries do to examples: read, resize, turn, join, split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.lint import scaling
from bench.lint.names import words
from bench.lint.operations import RAW, UNIT
from bench.lint.values import (
    LITERAL,
    PREDICTED,
    Call,
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
# What an ImageDataGenerator learns from the examples that `fit` is given.
_LEARNT = ("featurewise_center", "featurewise_std_normalization", "zca_whitening")
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


def function(reader: Reader, called: Ref, call: Call) -> Value | None:
    """What a function of a library makes of examples; None where it is none of them."""
    name, given, first = called.last, call.given, examples(call.value(at=0))
    if name == "load_data" and called.name.startswith("keras.datasets."):
        return _published(called.name.split(".")[-2])
    if name in _FOLDERS:
        return _folder(reader, call)
    if name == "load_img":
        return _picture(call)
    if name == "ImageDataGenerator":
        return Generator(_of_generator(call), any(map(call.said, _LEARNT)))
    if name == "list_files" and called.name.startswith("tensorflow."):
        again = call.said("shuffle", at=1) is not False  # in each pass, unless it says otherwise
        return Data(shuffled=call.line if again else None, loops=reader.loops)
    if name == "zip" and called.name.startswith("tensorflow."):
        return first
    if name == "train_test_split":
        return _parted(reader, call)
    if name in ("open", "imread") and called.name.startswith(("PIL.", "cv2.", "imageio.")):
        return Data(pixels=RAW, source=called.name.partition(".")[0], loops=reader.loops)
    if name == "resize" and first:
        return _resized(called.name, first, call)
    if name in _JOINS and given and isinstance(given[0], Items):
        return _joined(name, given[0], call)
    if name in ("repeat", "tile", "resample") and first:
        return _repeated(name, first, call)
    if name in _TURNS and first:
        return replace(first, flipped=True)
    if name in ("Path", "PurePath", "str", "fspath") and given:
        return given[0] if isinstance(given[0], Const) else None
    if name == "join" and given and all(isinstance(plain(each), str) for each in given):
        return Const("/".join(plain(each) for each in given))
    return _same(name, first)


def method(reader: Reader, owner: Value, name: str, call: Call) -> Value:
    """What a method makes of examples."""
    if isinstance(owner, Generator):
        if name == "fit" and owner.learns and (data := examples(call.value("x", at=0))):
            reader.program.scalers[owner] = data.rows
        return _flow(reader, owner, name, call)
    if isinstance(owner, Instance):
        if name == "split" and owner.kind in _SPLITTERS:
            reader.split(call.node, call.given)
        if name in ("fit_resample", "fit_sample") and owner.kind in _OVERSAMPLERS:
            return _oversampled(owner, call)
        if owner.kind in scaling.SCALERS:
            scaled = scaling.by_scaler(reader.program, owner, name, call)
            return scaled or Data(loops=reader.loops)
        return Data(loops=reader.loops)
    known = _of_data(reader, owner, name, call) if isinstance(owner, Data) else None
    return known or Data(loops=reader.loops)


def _of_data(reader: Reader, owner: Data, name: str, call: Call) -> Data | None:
    if name in ("take", "skip"):
        part = Part(owner.rows, name, owner.shuffled)
        return replace(owner, rows=fresh(), parts=(*owner.parts, part), loops=reader.loops)
    if name == "shuffle":
        again = call.said("reshuffle_each_iteration")
        return replace(owner, shuffled=call.line if again is not False else owner.shuffled)
    if name == "cache":
        return replace(owner, shuffled=None)
    if name == "map":
        kept = None if reader.program.resizes else owner.resized
        return replace(owner, pixels=None, resized=kept)
    if name == "filter":
        return replace(owner, rows=fresh(), pixels=None)
    if name == "mean":
        return scaling.mean(owner, call)
    if name == "resize" and owner.source == "PIL":
        own = replace(call, given=(owner, *call.given))
        return _resized("PIL.Image", owner, own)
    if name == "transpose" and owner.source == "PIL":
        return replace(owner, flipped=True)
    return _same(name, owner)


def of_python(reader: Reader, name: str, given: tuple[Value, ...]) -> Value:
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


def _of_generator(call: Call) -> str | None:
    """The range of pixels that an ImageDataGenerator gives."""
    changes = ("preprocessing_function", "featurewise_center", "samplewise_center")
    if any(each in call.options for each in changes):
        return None
    if "rescale" not in call.options:
        return RAW
    factor = call.said("rescale")
    is_unit = isinstance(factor, float) and abs(factor - 1 / 255) < 1e-6
    return UNIT if is_unit else None


def _flow(reader: Reader, owner: Generator, name: str, call: Call) -> Value:
    size, subset = call.said("target_size") or (256, 256), call.value("subset")
    if name == "flow_from_directory":
        return Data(
            pixels=owner.pixels,
            resized=_to("Pillow", call.said("interpolation") or "nearest", size, call),
            folder=call.value("directory", at=0),
            subset=(str(plain(subset)), None, call.line) if subset else None,
            loops=reader.loops,
        )
    first = examples(call.value("x", at=0))
    if name == "flow" and first:
        pixels = owner.pixels if first.pixels == RAW else None
        part = (Part(first.rows, str(plain(subset))),) if subset else ()
        fitted = reader.program.scalers.get(owner, first.fitted)
        return replace(first, pixels=pixels, parts=(*first.parts, *part), fitted=fitted)
    return Data(loops=reader.loops)


def _folder(reader: Reader, call: Call) -> Value:
    size = call.said("image_size") or (256, 256)
    keeps = any(call.said(f"{each}_to_aspect_ratio") for each in ("crop", "pad"))
    filter_, subset = call.said("interpolation", otherwise="bilinear"), call.said("subset")
    made = Data(
        pixels=RAW,
        resized=_to("TensorFlow", filter_, size, call, keeps=keeps),
        folder=call.value("directory", at=0),
        subset=(str(subset), call.value("seed"), call.line) if subset else None,
        shuffled=call.line if call.said("shuffle") is not False else None,
        loops=reader.loops,
    )
    if subset == "both":
        return Items(
            tuple(
                replace(made, rows=fresh(), subset=(each, None, call.line))
                for each in ("training", "validation")
            )
        )
    return made


def _picture(call: Call) -> Data:
    wanted = call.value("target_size", at=2)
    made = Data(pixels=RAW, source="Keras")
    if wanted is None:
        return made
    keeps = call.said("keep_aspect_ratio") is True
    filter_ = call.said("interpolation", otherwise="nearest")
    return replace(made, resized=_to("Pillow", filter_, plain(wanted), call, keeps=keeps))


def _resized(by: str, data: Data, call: Call) -> Data | None:
    size, library = call.said("size", "dsize", at=1), by.partition(".")[0]
    if library == "cv2":
        chosen = call.value("interpolation", at=5)
        found = _CV2.get(chosen.last) if isinstance(chosen, Ref) else "bilinear"
        size = _turned(size)
    elif library == "PIL":
        chosen = call.value("resample", at=2)
        found = _PILLOW.get(chosen.last) if isinstance(chosen, Ref) else "bicubic"
        size = _turned(size)
    elif library in ("tensorflow", "keras"):
        found = call.said("method", "interpolation", otherwise="bilinear")
    else:  # as scikit-image's, which divides by 255 as well
        return replace(data, pixels=None, resized=None)
    title = {"cv2": "OpenCV", "PIL": "Pillow"}.get(library, "TensorFlow")
    return replace(data, resized=_to(title, found, size, call))


def _to(
    by: str, filter_: object, size: object, call: Call, *, keeps: bool = False
) -> Resized | None:
    if not isinstance(filter_, str):
        return None
    is_pair = isinstance(size, tuple) and len(size) == 2 and all(type(s) is int for s in size)
    pair = (size[0], size[1]) if is_pair and isinstance(size, tuple) else None
    return Resized(by, filter_.lower(), pair, call.line, keeps)


def _turned(size: object) -> object:
    return size[::-1] if isinstance(size, tuple) else size


def _joined(name: str, given: Items, call: Call) -> Data | None:
    every = [each for each in inside(given) if isinstance(each, Data)]
    axis = call.said("axis", at=1, otherwise=0)
    if name == "array" and given.items and not every:
        return Data(source=LITERAL)
    if not every:
        return None
    if axis not in (0, None) or name in ("stack", "hstack"):
        return Data(source=next((each.source for each in every if each.source == PREDICTED), ""))
    if len(every) == 1:
        return every[0]
    first = every[0]
    alike = all(each.pixels == first.pixels for each in every)
    resized = first.resized if all(each.resized == first.resized for each in every) else None
    return Data(
        pixels=first.pixels if alike else None,
        copies=_copies(every, call.line, exact=name != "array"),
        resized=resized,
        flipped=all(each.flipped for each in every),
    )


def _copies(every: Sequence[Data], line: int, *, exact: bool) -> tuple[str, int] | None:
    """Which of the examples that are put together are copies of others."""
    held = next((each.copies for each in every if each.copies), None)
    if held:
        return held
    plain_rows = [each.rows for each in every if not each.flipped]
    if any(each.flipped and each.rows in plain_rows for each in every):
        return "mirrored or changed copies", line
    return ("copies", line) if exact and len(set(plain_rows)) < len(plain_rows) else None


def _repeated(name: str, data: Data, call: Call) -> Data | None:
    if name == "resample":
        replaces = call.said("replace") is not False
        return replace(data, rows=fresh(), copies=("copies", call.line)) if replaces else data
    if name == "repeat" and call.said("axis", at=2) == 0:
        return replace(data, rows=fresh(), copies=("copies", call.line))
    return None


def _parted(reader: Reader, call: Call) -> Items:
    reader.split(call.node, call.given)
    made: list[Value] = []
    for each in call.given:
        data = examples(each) or Data()
        for side in ("train", "test"):
            part = Part(data.rows, f"{side} of line {call.line}")
            made.append(replace(data, rows=fresh(), parts=(*data.parts, part), loops=reader.loops))
    return Items(tuple(made))


def _oversampled(owner: Instance, call: Call) -> Items:
    what = "copies" if owner.kind == "RandomOverSampler" else "points between others"
    made: list[Value] = []
    for each in call.given:
        data = examples(each) or Data()
        made.append(replace(data, rows=fresh(), copies=(what, call.line)))
    return Items(tuple(made))
