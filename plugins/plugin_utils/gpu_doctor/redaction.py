"""Redacts what must not leave a site: names, addresses, users, serial numbers.

Each is replaced by its kind and a number, the same one wherever it stands, so that a reader still
sees that two lines speak of one thing.  Versions, PCI addresses and checksums stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

# Accounts that images come with: nobody's name, and words that reports are full of.
COMMON = {"root", "nobody", "ubuntu", "debian", "arch", "admin", "user", "nvidia", "vagrant"}
COMMON |= {"daemon", "adm", "sys", "bin", "localhost", "localdomain"}
PUBLIC = ["nvidia.com", "debian.org", "ubuntu.com", "archlinux.org", "kernel.org", "github.com"]
PUBLIC += ["launchpad.net", "launchpadcontent.net", "tensorflow.org"]

# cuDNN's and TensorRT's versions look like addresses: they stay where they stand as such.
_VERSION = r"(?:[89]|10)\.\d{1,2}\.\d{1,2}\.\d{1,3}"
_VERSIONED = re.compile(rf"(?i)(?:cudnn|tensorrt)[\w+-]{{0,24}}?[\"' :=/(v]{{1,4}}{_VERSION}\b")
_VERSIONED_WHEEL = re.compile(rf"(?i)(?:cudnn|tensorrt)[a-z0-9_]{{0,8}}-{_VERSION}\b")
_VERSION_KEYS = {"version", "cudnn", "installed_cudnn", "cudnn_installed"}

_HEX = "[0-9A-Fa-f]"
_UUID = re.compile(rf"\b(?:GPU-|MIG-)?{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}\b")
_SERIAL = re.compile(
    r"(?i)\b((?:serial(?:[ _-]?(?:number|no))?|s/n|asset[ _-]?tag|service[ _-]?tag|machine-?id)"
    r"[\"']?\s*[:=#]\s*[\"']?)([\w./+-]+)"
)
_DISK = re.compile(
    r"(/dev/disk/by-(?:id|uuid|label|partuuid|partlabel)/|\b(?:PART)?UUID=|LABEL=)[^\s\"',]+"
)
_MACHINE = re.compile(rf"\b{_HEX}{{32}}\b")
_WWN = re.compile(rf"(?i)\b(?:wwn-|eui\.|naa\.)(?:0x)?{_HEX}{{12,32}}\b")
_MAC = re.compile(
    rf"(?<![\w:.-])(?:(?:{_HEX}{{2}}:){{5,19}}{_HEX}{{2}}|(?:{_HEX}{{2}}-){{5}}{_HEX}{{2}}"
    rf"|(?:{_HEX}{{4}}\.){{2}}{_HEX}{{4}})(?![\w:])"
)
_MAC_IN_NAME = re.compile(rf"\benx{_HEX}{{12}}\b")
_IPV6 = re.compile(
    rf"(?<![\w:]){_HEX}{{0,4}}(?::{_HEX}{{0,4}}){{2,}}(?:(?<=:)\d+(?:\.\d+){{3}})?(?!\w)"
)
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d]|\.\d)")
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_URL_HOST = re.compile(r"(?<=://)(?:<[a-z]+-\d+>@)?([A-Za-z0-9][\w.-]*)")
_PRIVATE_NAME = re.compile(
    r"(?i)\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:local|localdomain|lan|internal|intranet|corp|home\.arpa)\b"
)
_HOME = re.compile(r"(/(?:home|Users)/|/var/lib/systemd/home/)([^/\s\"':,]+)")
_USER = re.compile(
    r"(?i)(\b(?:user(?:name)?|login|logname|sudo_user|owner|account)\b[\"']?\s*[:=]\s*[\"']?"
    r"|\b(?:for|by) user |\buid=\d+\()([a-z_][\w.-]*)"
)


class Redaction:
    """Takes names and addresses out of what makes one bundle.

    hosts, users: the names that are known; more are recognised by where they stand.
    """

    def __init__(self, hosts: Iterable[str], users: Iterable[str]) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._known = [
            *((name, "host") for name in _worth(hosts)),
            *((name, "user") for name in _worth(users)),
        ]
        self._known.sort(key=lambda pair: -len(pair[0]))  # gpu1.example.org before gpu1

    def value(self, value: Any, keys: tuple[str, ...] = ()) -> Any:
        """A structure of dictionaries, lists and texts without what is private."""
        if isinstance(value, dict):
            return {
                self._patterns(str(key)): self.value(part, (*keys, str(key)))
                for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(part, keys) for part in value]
        if not isinstance(value, str):
            return value
        if _is_version(value, keys):
            return value
        return self.text(value)

    def text(self, text: str) -> str:
        """A text without what is private."""
        for name, kind in self._known:
            pattern = rf"(?i)(?<![\w-]){re.escape(name)}(?![\w-])"
            if re.search(pattern, text):
                text = re.sub(pattern, self._mark(kind, name), text)
        return self._patterns(text)

    def _patterns(self, text: str) -> str:
        kept: list[str] = []

        def keep(match: re.Match[str]) -> str:
            kept.append(match.group())
            return f"\0{len(kept) - 1}\0"

        text = _VERSIONED.sub(keep, _VERSIONED_WHEEL.sub(keep, text))
        text = _LOGIN.sub(lambda match: self._mark("user", match.group()[:-1]) + "@", text)
        text = _URL_HOST.sub(self._url_host, text)
        text = _MAIL.sub(self._whole("mail"), text)
        text = _DISK.sub(lambda match: match.group(1) + self._mark("disk", match.group()), text)
        text = _UUID.sub(self._whole("uuid"), text)
        text = _SERIAL.sub(self._second("serial"), text)
        text = _WWN.sub(self._whole("disk"), text)
        text = _MACHINE.sub(self._whole("id"), text)
        text = _MAC_IN_NAME.sub(self._whole("address"), text)
        text = _MAC.sub(self._whole("address"), text)
        text = _IPV6.sub(self._address, text)
        text = _IPV4.sub(self._address, text)
        text = _PRIVATE_NAME.sub(self._whole("host"), text)
        text = _HOME.sub(self._second("user"), text)
        text = _USER.sub(self._second("user"), text)
        return re.sub("\0(\\d+)\0", lambda match: kept[int(match.group(1))], text)

    def _mark(self, kind: str, what: str) -> str:
        if re.fullmatch(r"<[a-z]+-\d+>", what):
            return what
        numbers = self._numbers.setdefault(kind, {})
        return f"<{kind}-{numbers.setdefault(what.lower(), len(numbers) + 1)}>"

    def _whole(self, kind: str) -> Callable[[re.Match[str]], str]:
        return lambda match: self._mark(kind, match.group())

    def _second(self, kind: str) -> Callable[[re.Match[str]], str]:
        """What stands before it stays; so does a common account."""

        def put(match: re.Match[str]) -> str:
            name = match.group(2)
            if kind == "user" and name.lower() in COMMON:
                return match.group()
            return match.group(1) + self._mark(kind, name)

        return put

    def _url_host(self, match: re.Match[str]) -> str:
        name = match.group(1)
        public = any(name == domain or name.endswith("." + domain) for domain in PUBLIC)
        if public or name == "localhost":
            return match.group()
        return match.group().replace(name, self._mark("host", name))

    def _address(self, match: re.Match[str]) -> str:
        text = match.group()
        return self._mark("address", text) if _is_address(text) else text


def _worth(names: Iterable[str]) -> list[str]:
    """Names to look for: each also without its domain."""
    whole = {name.strip().rstrip(".").lower() for name in names if name and name.strip()}
    short = {name.split(".")[0] for name in whole if not _is_address(name)}
    return sorted((whole | short) - COMMON - {""})


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_version(value: str, keys: tuple[str, ...]) -> bool:
    of_cudnn = any("cudnn" in key or "tensorrt" in key for key in keys)
    here = bool(keys) and (keys[-1] in _VERSION_KEYS)
    return of_cudnn and here and re.fullmatch(_VERSION, value) is not None
