"""What a framework raises, told by names, as its module may not be the job's; errors in a line."""

from __future__ import annotations

import re

from bench.errors import in_words

_LONGEST_MESSAGE = 400

# Of JAX, and of PyTorch, which tells of a lost GPU by its own.  TensorFlow's have an error code.
_OF_BACKENDS = {"JaxRuntimeError", "XlaRuntimeError", "OutOfMemoryError", "AcceleratorError"}


def of_backend(error: BaseException) -> bool:
    """Whether the framework itself raised it: memory ran out, a GPU was lost."""
    return hasattr(error, "error_code") or type(error).__name__ in _OF_BACKENDS


def is_of_memory(error: BaseException) -> bool:
    """Whether it is that a device has no room left."""
    exhausted = type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")
    return exhausted or (of_backend(error) and str(error).startswith("RESOURCE_EXHAUSTED"))


def is_of_data(error: BaseException) -> bool:
    """Whether a framework refuses what it was given: labels out of range, shapes that differ."""
    return type(error).__name__ == "InvalidArgumentError"


# Where in a program an operation was defined, which operation it was, advice to programmers, and
# what Keras writes in bold.
_OF_THE_GRAPH = re.compile(
    r'^(Graph execution error:|Detected at node .*|\s+File ".*|\s*\[\[\{\{node .*|Hint: .*'
    r"|<stack traces unavailable>)$"
    r"|\x1b\[\d+m|\{\{function_node [^}]*\}\}|\[Op:\w+\]( name:)?",
    re.MULTILINE,
)


def in_short(error: BaseException) -> str:
    """The error in a line: TensorFlow's run over many, with traces of the graph in between."""
    whole, _, _ = str(error).partition("Arguments received by")  # which Keras lists
    whole, _, _ = whole.partition("\nTraceback (most recent call last)")  # of a file's own function
    text = " ".join(_OF_THE_GRAPH.sub("", whole).split())
    if isinstance(error, MemoryError) or is_of_memory(error):
        found = re.search(r"OOM when allocating [^\[]*(\[[^\]]*\])?", text)
        return f"ran out of memory: {found[0] if found else text[:_LONGEST_MESSAGE]}"
    return f"{type(error).__name__}: {text[:_LONGEST_MESSAGE]}" if text else in_words(error)
