"""The fingerprints of OpenPGP keys, so that a host needs no gpg for them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator

ARMOUR = rb"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?\n\n(.*?)\n(?:=\S{4}\n)?-----END PGP"
PUBLIC_KEY = 6  # the tag of a primary key's packet; RFC 9580, section 5


def packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and the body of every packet (RFC 9580, section 4.2).

    Raises:
        ValueError: these are no OpenPGP packets.
    """
    at = 0
    while at < len(data):
        head = data[at]
        if head & 0x80 == 0:
            raise ValueError("this is no binary OpenPGP keyring")
        if head & 0x40:  # the newer format
            tag, first = head & 0x3F, data[at + 1]
            if first < 192:
                size, at = first, at + 2
            elif first < 224:
                size, at = ((first - 192) << 8) + data[at + 2] + 192, at + 3
            else:
                size, at = int.from_bytes(data[at + 2 : at + 6], "big"), at + 6
        else:
            tag, octets = head >> 2 & 0x0F, 1 << (head & 3)
            size, at = int.from_bytes(data[at + 1 : at + 1 + octets], "big"), at + 1 + octets
        yield tag, data[at : at + size]
        at += size


def key_fingerprints(encoded: str) -> list[str]:
    """The fingerprints of the primary keys in a keyring, which comes as base64.

    None where it is no keyring: then it holds no key that anybody expects.  A key whose fingerprint
    is formed in another way is named by its version, for nobody expects that either.
    """
    try:
        found = list(packets(binary(base64.b64decode(encoded))))
    except (ValueError, IndexError):
        return []
    return [fingerprint(body) for tag, body in found if tag == PUBLIC_KEY and body]


def binary(data: bytes) -> bytes:
    """The packets of a keyring that may be text, in which a blank line comes before them (6.2).

    Raises:
        ValueError: the text holds no base64.
    """
    found = re.findall(ARMOUR, data.replace(b"\r", b""), re.DOTALL)
    return b"".join(map(base64.b64decode, found)) if found else data


def fingerprint(key: bytes) -> str:
    """The fingerprint of a key of version 4 (RFC 9580, section 5.5.4.2)."""
    if key[:1] != b"\x04":
        return f"a key of version {key[0]}"
    return hashlib.sha1(b"\x99" + len(key).to_bytes(2, "big") + key).hexdigest().upper()


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        """What a playbook calls `grindstone.grindstone.key_fingerprints`."""
        return {"key_fingerprints": key_fingerprints}
