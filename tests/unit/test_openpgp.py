"""The fingerprints of keys, without gpg."""

from __future__ import annotations

import base64

from plugins.filter.openpgp import key_fingerprints

# An Ed25519 key: version, time, algorithm, its curve's name, the point.
BODY = bytes.fromhex("0468d0f0001609" + "2b06010401da470f01" + "010740") + bytes(range(32))
PRINT = "A packet of a user's name"


def encoded(*packets: bytes) -> str:
    return base64.b64encode(b"".join(packets)).decode()


def test_a_key_has_one_fingerprint_however_its_length_is_written() -> None:
    size = len(BODY)
    old = bytes([0x98, size]) + BODY
    new = bytes([0xC6, size]) + BODY
    long = bytes([0xC6, 0xFF]) + size.to_bytes(4, "big") + BODY
    name = bytes([0xB4, len(PRINT)]) + PRINT.encode()
    (fingerprint,) = key_fingerprints(encoded(old, name))
    assert len(fingerprint) == 40
    assert key_fingerprints(encoded(new, name)) == [fingerprint]
    assert key_fingerprints(encoded(name, long)) == [fingerprint]


def test_a_keyring_may_be_text() -> None:
    packet = bytes([0x98, len(BODY)]) + BODY
    text = base64.encodebytes(packet).decode()
    armour = (
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: GnuPG v1\n\n"
        f"{text}=AbCd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )
    for each in (armour, armour.replace("\n", "\r\n"), armour + armour):
        found = key_fingerprints(encoded(each.encode()))
        assert set(found) == set(key_fingerprints(encoded(packet)))
        assert len(found) == each.count("BEGIN")


def test_every_primary_key_counts_so_that_a_second_one_cannot_hide() -> None:
    other = bytes([0x98, len(BODY)]) + BODY[:-1] + b"\0"
    found = key_fingerprints(encoded(bytes([0x98, len(BODY)]) + BODY, other))
    assert len(set(found)) == 2


def test_what_is_no_keyring_holds_no_key() -> None:
    assert key_fingerprints(encoded(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")) == []
    assert key_fingerprints(encoded(b"\x98")) == []


def test_a_key_of_another_version_counts_as_one_that_nobody_expects() -> None:
    newer = bytes([0x98, len(BODY)]) + b"\6" + BODY[1:]
    assert key_fingerprints(encoded(newer)) == ["a key of version 6"]
