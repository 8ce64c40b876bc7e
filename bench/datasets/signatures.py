"""What a file is by its first bytes, in words: so that a refusal calls it by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A tar archive says so at byte 257.
ENOUGH = 512


@dataclass(frozen=True, slots=True)
class Signature:
    """What a file is.

    what: with its article, to stand behind «is».
    fix: what to do about it.
    """

    what: str
    fix: str


_UNPACK = "unpack it"
_CONVERT = "convert it to PNG, as in: magick {name} {stem}.png"
_PICKLE = Signature(
    "a Python pickle, which could run any program and is never opened",
    "bring the data as IDX, NPZ or CSV files",
)
_POINTER = Signature("a Git LFS pointer in the file's place", "`git lfs pull` fetches the file")
_TABLE = "bring the data as IDX, NPZ or CSV files"

# Where, what stands there, and what that means; the first that fits counts.
_SIGNATURES: tuple[tuple[int, bytes, Signature], ...] = (
    (0, b"version https://git-lfs", _POINTER),
    (0, b"version https://hawser", _POINTER),
    (0, b"PK\x03\x04", Signature("a ZIP archive", _UNPACK)),
    (0, b"PK\x05\x06", Signature("an empty ZIP archive", "copy it again")),
    (0, b"7z\xbc\xaf\x27\x1c", Signature("a 7z archive", _UNPACK)),
    (0, b"Rar!\x1a\x07", Signature("a RAR archive", _UNPACK)),
    (0, b"\x1f\x8b", Signature("a gzip file", _UNPACK)),
    (0, b"\xfd7zXZ\0", Signature("an xz file", _UNPACK)),
    (0, b"BZh", Signature("a bzip2 file", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Signature("a Zstandard file", _UNPACK)),
    (257, b"ustar", Signature("a tar archive", _UNPACK)),
    (0, b"PAR1", Signature("a Parquet table", _TABLE)),
    (0, b"ARROW1", Signature("an Arrow table", _TABLE)),
    (0, b"\x89HDF\r\n", Signature("an HDF5 file", _TABLE)),
    (0, b"MATLAB 5.0", Signature("a MATLAB file", _TABLE)),
    (0, b"SQLite format 3", Signature("an SQLite database", _TABLE)),
    (
        0,
        b"\x93NUMPY",
        Signature("a NumPy array", "bring both splits in one NPZ file, as Keras does"),
    ),
    (0, b"\xff\xfe", Signature("a text in UTF-16", "save it in UTF-8")),
    (0, b"%PDF", Signature("a PDF document", "download the file itself")),
    (0, b"\x89PNG\r\n", Signature("a PNG picture", "name it so")),
    (0, b"\xff\xd8\xff", Signature("a JPEG picture", "name it so")),
    (0, b"GIF8", Signature("a GIF picture", _CONVERT)),
    (0, b"BM", Signature("a BMP picture", _CONVERT)),
    (8, b"WEBP", Signature("a WebP picture", _CONVERT)),
    (8, b"CR\x02", Signature("a Canon raw picture", "develop it to PNG or JPEG")),
    (0, b"II*\0", Signature("a TIFF or raw picture", _CONVERT)),
    (0, b"MM\0*", Signature("a TIFF or raw picture", _CONVERT)),
    (0, b"FUJIFILMCCD-RAW", Signature("a Fuji raw picture", "develop it to PNG or JPEG")),
    (0, b"\xff\x0a", Signature("a JPEG XL picture", _CONVERT)),
    (4, b"JXL ", Signature("a JPEG XL picture", _CONVERT)),
    (4, b"jP  ", Signature("a JPEG 2000 picture", _CONVERT)),
    (0, b"8BPS", Signature("a Photoshop picture", _CONVERT)),
    (4, b"ftypavi", Signature("an AVIF picture", _CONVERT)),
    *(
        (
            4,
            b"ftyp" + brand,
            Signature("a HEIC picture", "convert it: heif-convert {name} {stem}.png"),
        )
        for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
    ),
    (4, b"ftyp", Signature("a film", "remove it")),
)

_TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title", re.IGNORECASE | re.DOTALL)


def read(head: bytes, name: str = "it") -> Signature | None:
    """What begins with `head`, ENOUGH of it, or None where that is not known.

    name: of the file, for the command that converts it.
    """
    for at, magic, signature in _SIGNATURES:
        if head.startswith(magic, at):
            stem = name.rpartition(".")[0] or name
            return Signature(signature.what, signature.fix.format(name=name, stem=stem))
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return _PICKLE
    return _markup(head)


def _markup(head: bytes) -> Signature | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        title = _TITLE.search(head)
        shown = title.group(1).decode("utf-8", "replace")[:60] if title else ""
        told = f" («{''.join(c for c in shown if c.isprintable())}»)" if shown else ""
        return Signature(f"a web page{told} saved in the file's place", "download the file itself")
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return Signature("an SVG drawing", "convert it to PNG")
    if text.startswith((b"<?xml", b"<error")):
        return Signature("a server's answer in XML, not the file", "download the file itself")
    if text.startswith((b'{"', b"{\n", b"{ ")):
        return Signature("a JSON text", "download the file itself")
    return None
