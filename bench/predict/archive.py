"""Looks into a `.keras` file before Keras opens it: nothing in it may be a program.

It is a zip archive: the layers as JSON, the weights as HDF5.  The JSON names a class of Keras for
each layer, and a class may load other files (`TFSMLayer`), run what is in it (`Lambda`) or unpickle
(`TorchModuleWrapper`).  So only the classes that Grindstone's networks are made of are let through.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.datasets import signatures
from bench.errors import GrindstoneError, shown, why
from bench.worker.prediction import WEIGHTS

CONFIG, METADATA = "config.json", "metadata.json"
_MEMBERS = (CONFIG, METADATA, WEIGHTS)
# Bytes: of the JSON, which has 14,000 for the longest of Grindstone's; of all, which is 65 million.
_LARGEST_CONFIG, LARGEST = 1 << 20, 4 << 30
# Keras packs nothing; whoever packs weights anew saves a tenth of them.
_MOST_PACKED = 4
_ENCRYPTED = 0x1

# What Grindstone's networks are made of, by module; None is whatever the module has, which are
# classes that hold a few numbers.
_KNOWN: Mapping[str, frozenset[str] | None] = {
    "keras": frozenset({"Sequential", "DTypePolicy"}),
    "keras.mixed_precision": frozenset({"Policy"}),
    "keras.layers": frozenset(
        {
            *("InputLayer", "Rescaling", "RandomFlip", "RandomRotation", "RandomTranslation"),
            *("Conv2D", "BatchNormalization", "ReLU", "LeakyReLU", "Activation"),
            *("MaxPooling2D", "AveragePooling2D", "UpSampling2D", "Flatten", "Dropout", "Dense"),
        }
    ),
    "keras.initializers": None,
    "keras.regularizers": None,
    "keras.constraints": None,
}
_PROGRAMS = ("Lambda", "__lambda__", "function")


def check(path: Path, name: str) -> None:
    """Refuses what is no network that is safe to load.

    name: how a message calls the file.

    Raises:
        GrindstoneError: it is something else, damaged, or has more in it than layers.
    """
    try:
        with path.open("rb") as file:
            _must_be_zip(file.read(signatures.ENOUGH), name)
        with zipfile.ZipFile(path) as archive:
            _must_be_small(archive, path.stat().st_size, name)
            config = archive.read(CONFIG)
    except OSError as error:
        raise GrindstoneError(f"{name} cannot be read: {why(error)}") from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise GrindstoneError(f"{name} is damaged or cut short; copy it again") from error
    _must_be_layers(config, name)


def _must_be_zip(head: bytes, name: str) -> None:
    if head.startswith(b"PK\x03\x04"):
        return
    signature = signatures.read(head)
    found = f"is {signature.what}" if signature else "is empty" if not head else "is something else"
    raise GrindstoneError(
        f"{name} {found}, whatever its name says, and no network as Keras saves it; name one that "
        "--save-models saved"
    )


def _must_be_small(archive: zipfile.ZipFile, size: int, name: str) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted(_MEMBERS):
        others = [each for each in names if each not in _MEMBERS]
        lacking = [each for each in _MEMBERS if each not in names]
        told = (
            f"holds {shown(others[0])}"
            if others
            else f"lacks {lacking[0]}"
            if lacking
            else "holds a part twice"
        )
        raise GrindstoneError(
            f"{name} is no network that --save-models saved: it {told}, and expected are "
            f"{', '.join(_MEMBERS)}"
        )
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise GrindstoneError(f"{name} is encrypted, as no network of Keras' is")
    config = archive.getinfo(CONFIG).file_size
    claimed = sum(member.file_size for member in members)
    if config > _LARGEST_CONFIG or claimed > LARGEST or claimed > _MOST_PACKED * size:
        raise GrindstoneError(
            f"{name} claims to unpack to {claimed:,} bytes, {config:,} of them its layers, and has "
            f"{size:,}: it is no network of Keras', which packs nothing"
        )


def _must_be_layers(config: bytes, name: str) -> None:
    try:
        tree = json.loads(config)
    except (ValueError, RecursionError) as error:
        raise GrindstoneError(f"{name} is damaged: its {CONFIG} is no JSON") from error
    if not isinstance(tree, dict) or tree.get("class_name") != "Sequential":
        raise GrindstoneError(f"{name} is no network of Grindstone's: it is no Sequential")
    tree.pop("compile_config", None)  # which Keras does not read, as it is not compiled
    for part in _objects(tree):
        if told := _unknown(part):
            raise GrindstoneError(f"{name} is not loaded: {told}")


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Everything in the JSON that Keras would make an object of."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "class_name" in each or "registered_name" in each:
                yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _unknown(part: Mapping[str, Any]) -> str | None:
    """Why an object is not made; None where it is one of Keras' that hold no program."""
    kind, module, registered = (
        part.get(each) for each in ("class_name", "module", "registered_name")
    )
    told = shown(f"{module or 'no module'}: {kind}")[:80]
    if kind in _PROGRAMS:
        return f"it has a program in it ({told}), as a Lambda layer has, and none is ever run"
    if registered is not None and registered != kind:
        return f"it has a class of somebody's own ({shown(registered)[:80]}), which is not Keras'"
    known = _KNOWN.get(module, frozenset()) if isinstance(module, str) else frozenset()
    if not isinstance(kind, str) or (known is not None and kind not in known):
        return f"it has something that is no layer of Grindstone's networks ({told})"
    return None
