"""How the workers of several machines meet, and how one hears that another is gone."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.worker.messages import Cluster, Phase, Say

_SECONDS_BETWEEN_CALLS = 0.5
_SECONDS_FOR_AN_ANSWER = 5.0


class ClusterError(Exception):
    """The machines cannot train together: one is gone, or has something else."""


def strategy(tf: Any, cluster: Cluster, say: Say, *, is_gpu: bool) -> Any:
    """The strategy over all machines, once all have come.

    How long is waited is the parent's to decide: it knows by the phase who is missing.
    """
    addresses = list(cluster.addresses)
    _wait_for_the_others(cluster, say)
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": cluster.index}}
    os.environ["TF_CONFIG"] = json.dumps(config)
    kinds = tf.distribute.experimental.CommunicationImplementation
    how = tf.distribute.experimental.CommunicationOptions(
        implementation=kinds.NCCL if is_gpu else kinds.RING
    )
    return tf.distribute.MultiWorkerMirroredStrategy(communication_options=how)


def _wait_for_the_others(cluster: Cluster, say: Say) -> None:
    """Says whom it waits for: the chief for all, the others for the chief.

    TensorFlow itself waits without a word.  The chief's server is what the others connect to, so
    it comes up last.
    """
    if cluster.index:
        say(Phase(f"connecting to {cluster.names[0]}"))
        return
    missing = dict(zip(cluster.names[1:], cluster.addresses[1:], strict=True))
    told: list[str] = []
    while missing:
        if [*missing] != told:
            told = [*missing]
            say(Phase(f"connecting to {', '.join(told)}"))
        missing = {name: at for name, at in missing.items() if not _answers(at)}
        if missing:
            time.sleep(_SECONDS_BETWEEN_CALLS)
    say(Phase("connecting"))


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _SECONDS_FOR_AN_ANSWER):
            return True
    except OSError:
        return False


@contextmanager
def naming_who_is_gone(tf: Any, cluster: Cluster) -> Iterator[None]:
    """Makes a line of what TensorFlow says over many where a machine is lost."""
    errors = tf.errors
    lost = (errors.UnavailableError, errors.AbortedError, errors.CancelledError)
    try:
        yield
    except (*lost, errors.InternalError, errors.DeadlineExceededError) as error:
        told = {int(number) for number in re.findall(r"/job:worker/\S*?task:(\d+)", str(error))}
        others = told - {cluster.index}
        if not others and not isinstance(error, lost):
            raise
        who = [f"{cluster.names[each]} ({cluster.addresses[each]})" for each in sorted(others)]
        where = ", ".join(who) or "another machine"
        raise ClusterError(f"{where} is gone: it, or the network between, has died") from error
