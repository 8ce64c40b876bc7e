"""What is wrong with apt's sources, out of what `apt-get` said in English: each with its cause.

It runs on the host with any Python from 3.8 on.
"""

from __future__ import annotations

import re
import ssl
import time
import urllib.request
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

LISTS = Path("/var/lib/apt/lists")
DAY = 86400
_WORD = r"^(?:[EW]|Error|Warning): "
# A source's address, then what apt has against it.
_PROBLEMS = (
    _WORD + r"Failed to fetch (?P<url>\S+)\s+(?P<why>.+)$",
    _WORD + r"(?:.*\. )?(?:GPG error|OpenPGP signature verification failed): (?P<url>\S+) "
    r".*?: (?P<why>.+)$",
    _WORD + r"The repository '(?P<url>\S+) [^']*' (?P<why>.+)$",
    _WORD + r"Release file for (?P<url>\S+) (?P<why>is [^.]+)",
)
# As they are fetched: in the end apt names only the worst.
_FAILED = re.compile(r"^Err:\d+ (\S+) .*\n +(\S.*)$", re.MULTILINE)
# What a wrong clock makes of sources that are right.
_TIMES = re.compile(
    r"not valid yet|is expired|invalid signature|signatures? (?:were|was|is) invalid"
    r"|EXPKEYSIG|KEYEXPIRED|Not live until|not alive|certificate",
    re.IGNORECASE,
)
# What apt says of packages where a source is what is missing.
_LACKING = re.compile(
    r"Unable to locate package|no installation candidate|Couldn't find any package|was not found"
    r"|Failed to fetch|Unable to fetch|unmet dependencies|held broken packages|not installable"
    r"|could not be authenticated|unauthenticated"
)


class Problem(NamedTuple):
    """A source that cannot be used, and why."""

    url: str
    why: str


def problems(output: str) -> list[Problem]:
    """The sources that `apt-get` had to leave out, each once and with its first reason."""
    lines = [re.search(each, line) for line in output.splitlines() for each in _PROBLEMS]
    told = [match.group("url", "why") for match in lines if match]
    found: dict[str, str] = {}
    of_end = "\n".join(each[0] for each in told)
    fetched = [each for each in _FAILED.findall(output) if each[0].rstrip("/") not in of_end]
    for where, reason in [*told, *fetched]:
        url = re.sub(r"(/dists/|/*(In)?Release\b).*$|/$", "", where)
        why = re.sub(r"^\s*|\s*\[IP:.*?\]|[. ]+$", "", reason)
        found.setdefault(url, why[:200])
    return [Problem(url, why) for url, why in found.items()]


def lacking(output: str) -> bool:
    """Whether what apt complains of may be that a source was left out."""
    return bool(_LACKING.search(output))


def told(found: Iterable[Problem]) -> str:
    """The sources and their causes, for a line."""
    causes = [f"{each.url} ({each.why}{_hint(each.why)})" for each in found]
    return ", ".join(causes)


def _hint(why: str) -> str:
    if "resolving" in why or "resolve" in why:
        return ": is DNS set up, in /etc/resolv.conf?"
    return ""


def wrong_clock(output: str, found: list[Problem], proxy: str) -> str:
    """By how much this host's clock is wrong, "" where nothing speaks for that.

    It is compared with the sources' servers, and with when their lists were made.
    """
    if not _TIMES.search(output):
        return ""
    here = time.time()
    servers = [server_time(each.url, proxy) for each in found]
    there = max(filter(None, servers), default=0.0)
    if not there and here < newest_list() - DAY:
        there = newest_list()
    if not there or abs(here - there) < DAY:
        return ""
    days = [time.strftime("%Y-%m-%d", time.gmtime(each)) for each in (here, there)]
    return (
        f"found {days[0]} on this host's clock, where the package sources have {days[1]}; expected "
        "the right time: set it (timedatectl set-ntp true, or date -s)"
    )


def server_time(url: str, proxy: str) -> float:
    """The time by the server of that address, 0 where it cannot be asked."""
    if not url.startswith(("http://", "https://")):
        return 0.0
    # Nothing but the time is taken from the answer, and with a wrong clock no certificate holds.
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=trusting)]
    if proxy:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    try:
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
            said = answer.headers["Date"]
    except urllib.request.HTTPError as error:  # an answer as well
        said = error.headers["Date"]
    except (OSError, ValueError):
        return 0.0
    return _seconds(said or "")


def newest_list() -> float:
    """When the newest of the package lists that are here was made, 0 where there is none."""
    files = [*LISTS.glob("*Release"), *LISTS.glob("partial/*Release")]
    times = []
    for file in files:
        try:
            said = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        date = re.search(r"^Date: (.+)$", said, re.MULTILINE)
        times.append(_seconds(date.group(1)) if date else 0.0)
    return max(times, default=0.0)


def _seconds(date: str) -> float:
    try:
        return parsedate_to_datetime(date.replace(" UTC", " +0000")).timestamp()
    except (TypeError, ValueError, IndexError):
        return 0.0
