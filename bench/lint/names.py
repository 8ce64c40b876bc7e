"""The names of libraries: one for each thing, however it was imported."""

from __future__ import annotations

import builtins

BUILTINS = frozenset(dir(builtins))
KERAS = frozenset({"keras", "tensorflow"})
# Other ways to name Keras, the longest first.
_KERAS = (
    *("tensorflow.contrib.keras.api.keras", "tensorflow.contrib.keras"),
    *("tensorflow.python.keras", "tensorflow.compat.v1.keras", "tensorflow.compat.v2.keras"),
    *("tensorflow.keras", "tf_keras", "keras.src", "tf.keras"),
)
# The modules of which `from … import *` is meant where a name is not known otherwise.
_CLASSES = ("keras.layers", "keras.models", "keras.callbacks", "keras.losses", "keras.optimizers")


def canonical(name: str) -> str:
    """`tensorflow.keras.layers.Dense` and its like are `keras.layers.Dense`."""
    for other in _KERAS:
        if name == other or name.startswith(f"{other}."):
            return "keras" + name[len(other) :]
    return name


def is_layer(name: str) -> bool:
    """Whether it is a layer's class."""
    parts = name.split(".")
    return parts[:2] == ["keras", "layers"] and parts[-1][:1].isupper()


def is_model(name: str) -> bool:
    """Whether it is the class of models."""
    parts = name.split(".")
    return parts[0] == "keras" and parts[-1] in ("Model", "Sequential", "Functional")


def may_hold(module: str, name: str) -> bool:
    """Whether `from module import *` may have brought a name."""
    return module in _CLASSES and name[:1].isupper()


def words(text: str) -> frozenset[str]:
    """Several names."""
    return frozenset(text.split())
