"""Keeps compiled what Ansible's modules import: Python runs this where PYTHONPATH has its folder.

Each module comes as an archive of sources, and Python compiles some fifty of them anew for every
task: a third of what a small module costs.
"""

from __future__ import annotations

import marshal
import os
import sys
import zipimport
import zlib
from types import CodeType

_FOLDER = os.path.join(os.path.dirname(__file__), f"{sys.hexversion:x}")
_compile = zipimport._compile_source  # type: ignore[attr-defined]


def _compile_once(pathname: str, source: bytes) -> CodeType:
    name = f"{os.path.basename(pathname)}-{len(source)}-{zlib.crc32(source):x}"
    path = os.path.join(_FOLDER, name)
    try:
        with open(path, "rb") as file:
            code: CodeType = marshal.load(file)
            return code
    except OSError:
        code = _compile(pathname, source)
    try:
        os.makedirs(_FOLDER, exist_ok=True)
        part = f"{path}.{os.getpid()}"
        with open(part, "wb") as file:
            marshal.dump(code, file)
        os.rename(part, path)
    except OSError:  # the folder is another user's, or its disk is full
        pass
    return code


zipimport._compile_source = _compile_once  # type: ignore[attr-defined]
