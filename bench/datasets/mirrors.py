"""Downloads: a set of files from the first mirror that has it, checked before any of it is kept."""

from __future__ import annotations

import hashlib
import os
import queue
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from bench.datasets import cache
from bench.errors import CacheError, DataError, in_words, shown, why

ANSWER_WITHIN = 5.0
"""Seconds after which a box counts as one without a network."""
CONNECTED_WITHIN = 5.0
STALLED_AFTER = 30.0
"""Seconds without a byte after which a download is given up."""

DONE_WITHIN = 600.0
"""Seconds for all files of one mirror: twelve million bytes at 20 kB/s."""

_CHUNK = 1 << 16

Answer = tuple[str, str | None]
"""A mirror, and why it cannot be used, or None where it can."""


class UnreachableError(Exception):
    """No mirror can be used.  The text says why, to stand in the middle of a sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a file before it arrives; size: in bytes."""

    sha256: str
    size: int


def base_urls(
    wanted: Sequence[str] | None, variable: str, published: Sequence[str]
) -> Sequence[str]:
    """Those that were asked for, else those in the environment's variable, else as published."""
    if wanted is None:
        other = os.environ.get(variable)
        wanted = published if other is None else other.split()
    return [url if url.endswith("/") else f"{url}/" for url in wanted]


def download(
    files: Mapping[Path, Wanted], mirrors: Sequence[str], within: float = ANSWER_WITHIN
) -> str:
    """Makes all of `files` from one mirror, or none of them, and returns the mirror.

    files: where each file goes, under the name that it has on the mirrors, and what it must be.
    mirrors: base URLs, each ending in a slash.
    within: seconds for the mirrors to answer, all together; the download itself has
        DONE_WITHIN.

    Raises:
        UnreachableError: no mirror answers in time, or none has the files.
        DataError: none has them, and one sent more, or something that has another checksum.
        CacheError: a file cannot be written.
    """
    if not mirrors:
        raise UnreachableError("switched off")
    reasons: dict[str, str] = {}
    wrong: list[DataError] = []
    any_name = next(iter(files)).name
    for mirror in _that_answer(mirrors, any_name, within):
        try:
            reason = _take_all(files, mirror)
        except DataError as error:  # another mirror may have the files as they were published
            wrong.append(error)
            continue
        if reason is None:
            return mirror
        reasons[mirror] = reason
    if wrong:
        raise wrong[0]
    raise UnreachableError(_listed(reasons))


def _take_all(files: Mapping[Path, Wanted], mirror: str) -> str | None:
    """Why the mirror could not be used, or None once the files are in place."""
    from requests import RequestException

    until = monotonic() + DONE_WITHIN
    try:
        with tempfile.TemporaryDirectory(prefix="grindstone-download-") as folder:
            arrived = {
                path: _fetch(mirror + path.name, wanted, Path(folder), until)
                for path, wanted in files.items()
            }
            for path, arrival in arrived.items():
                with cache.replacing(path) as file:
                    file.write(arrival.read_bytes())
    except UnreachableError as reason:
        return str(reason)
    except (RequestException, ValueError) as error:  # the latter of a host's name
        return _in_short(error)
    except OSError as error:
        raise CacheError(
            f"a download cannot be put into {tempfile.gettempdir()}: {why(error)}; "
            "make room there, or name another place with TMPDIR"
        ) from error
    return None


def _fetch(url: str, wanted: Wanted, folder: Path, until: float) -> Path:
    """A file of the size and checksum that are known, until the moment `until`."""
    outcome: queue.Queue[Path | Exception] = queue.Queue()
    # In a thread of its own, left behind at the deadline: a byte now and then resets any timeout.
    threading.Thread(target=_retrieve, args=(url, wanted, folder, outcome), daemon=True).start()
    try:
        arrived = outcome.get(timeout=max(0.0, until - monotonic()))
    except queue.Empty:
        raise UnreachableError(f"was not through within {DONE_WITHIN:g} s") from None
    if isinstance(arrived, Exception):
        raise arrived
    return arrived


def _retrieve(
    url: str, wanted: Wanted, folder: Path, outcome: queue.Queue[Path | Exception]
) -> None:
    try:
        outcome.put(_stored(url, wanted, folder / url.rpartition("/")[2]))
    except Exception as error:  # a thread has nobody to raise it to
        outcome.put(error)


def _stored(url: str, wanted: Wanted, path: Path) -> Path:
    """Writes what an address sends to a file, but nothing behind the size that is known."""
    import requests

    found, timeouts = hashlib.sha256(), (CONNECTED_WITHIN, STALLED_AFTER)
    with requests.get(url, stream=True, timeout=timeouts) as sent, path.open("wb") as file:
        sent.raise_for_status()
        for chunk in sent.iter_content(_CHUNK):
            if file.tell() + len(chunk) > wanted.size:
                raise DataError(
                    f"{url} sends more than the published {wanted.size:,} bytes, and nothing of it "
                    "is kept"
                )
            file.write(chunk)
            found.update(chunk)
    if found.hexdigest() != wanted.sha256:
        raise DataError(
            f"what {url} sent does not have the published SHA-256 {wanted.sha256[:12]}…, and "
            "nothing of it is kept"
        )
    return path


def _that_answer(mirrors: Sequence[str], name: str, within: float) -> list[str]:
    """The mirrors worth trying: first the one that was first to send `name`, last the silent ones.

    Each is asked in a thread of its own, which is left behind at the deadline: looking up a host's
    name may hang for longer, and no timeout reaches into that.
    """
    answers: queue.Queue[Answer] = queue.Queue()
    for mirror in mirrors:
        threading.Thread(target=_ask, args=(mirror, name, within, answers), daemon=True).start()
    deadline = monotonic() + within
    failed: dict[str, str] = {}
    while len(failed) < len(mirrors):
        try:
            first, reason = answers.get(timeout=max(0.0, deadline - monotonic()))
        except queue.Empty:
            break
        if reason is None:
            others = [other for other in mirrors if other != first and other not in failed]
            return [first, *others]
        failed[first] = reason
    silent = f"no answer within {within:g} s"
    raise UnreachableError(_listed({mirror: failed.get(mirror, silent) for mirror in mirrors}))


def _ask(mirror: str, name: str, within: float, answers: queue.Queue[Answer]) -> None:
    import requests

    try:
        with requests.get(mirror + name, stream=True, timeout=within) as response:
            response.raise_for_status()
    except Exception as error:  # a thread has nobody to raise it to
        answers.put((mirror, _in_short(error)))
    else:
        answers.put((mirror, None))


def _listed(reasons: Mapping[str, str]) -> str:
    """`a, b: connection refused; c: answered 404`."""
    hosts: dict[str, list[str]] = {}
    for mirror, reason in reasons.items():
        hosts.setdefault(reason, []).append(_host(mirror))
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in hosts.items())


def _host(mirror: str) -> str:
    """Whom an address names, or the address itself where that cannot be told."""
    try:
        return urlsplit(mirror).hostname or shown(mirror)
    except ValueError:  # a bracket that does not end
        return shown(mirror)


def _in_short(error: Exception) -> str:
    """What a person needs of an error whose own text is a stack of nested representations."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    if isinstance(error, exceptions.SSLError):
        return "certificate not trusted here"
    if isinstance(error, exceptions.ProxyError):
        return "the proxy does not let it through"
    if isinstance(error, exceptions.Timeout):
        return "no answer in time"
    if isinstance(
        error, (exceptions.InvalidSchema, exceptions.InvalidURL, exceptions.MissingSchema)
    ):
        return "no http address"
    for sign, meaning in (
        ("NameResolution", "name does not resolve"),
        ("refused", "connection refused"),
        ("unreachable", "network unreachable"),
        ("IncompleteRead", "the connection broke off"),
        ("reset", "the connection broke off"),
    ):
        if sign in str(error):
            return meaning
    return in_words(error)
