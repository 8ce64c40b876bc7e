"""Saves a trained network in Keras' own format: layers and weights, off the clock.

Neither the optimizer's state, which is twice as large as the weights, nor the loss is saved: to
predict takes none of them, and a loss of one's own would keep others from loading the file.
"""

from __future__ import annotations

from typing import Any

from bench.errors import in_words
from bench.worker.messages import Phase, Say, Unsaved

SUFFIX = ".keras"


def save(model: Any, path: str, say: Say, *, whole: bool = False) -> None:
    """Saves a model where a path is given; what was trained counts also where it cannot be.

    whole: as it is, as a model of one's own has to be, whose class may be its own, too.
    """
    if not path:
        return
    say(Phase("saving the network"))
    try:
        (model if whole else bare(model)).save(path)
    except Exception as error:  # a layer of one's own raises anything where it is saved
        say(Unsaved(in_words(error)))


def bare(model: Any) -> Any:
    """The same network with the same weights, uncompiled, on one device."""
    made = type(model).from_config(model.get_config())
    made.set_weights(model.get_weights())
    return made
