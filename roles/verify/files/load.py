"""Runs the package `verify`, whose modules come on standard input, as JSON in the order of imports.

So nothing has to be copied to the host, where the doctor changes nothing.
"""

import hashlib
import json
import sys
import types

package = sys.modules["verify"] = types.ModuleType("verify")
package.__path__ = []
sources = sys.stdin.read()
for name, source in json.loads(sources).items():
    module = sys.modules[f"verify.{name}"] = types.ModuleType(f"verify.{name}")
    module.__package__ = "verify"
    exec(compile(source, f"verify/{name}.py", "exec"), vars(module))
sys.modules["verify.main"].main(hashlib.sha256(sources.encode()).hexdigest())
