"""A worker's errors, in a line: of TensorFlow's what has happened, and not where in its graph."""

from __future__ import annotations

import pytest

from bench.worker.faults import in_short

# As TensorFlow 2.21.0 raises them, the frames cut to two.
_LOST = """Graph execution error:

Detected at node adam/Sub_10 defined at (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main

  File "/opt/grindstone/bench/worker/__main__.py", line 65, in <module>

'cuLaunchKernel(function, stream, params, nullptr)' failed with 'CUDA_ERROR_UNKNOWN'
\t [[{{node adam/Sub_10}}]] [Op:__inference_multi_step_on_iterator_962]"""
_EXHAUSTED = (
    "Graph execution error:\n\nOOM when allocating tensor with shape[784,784] and type float"
)
_EAGER = (
    "{{function_node __wrapped__Cast_device_/job:localhost/replica:0/task:0/device:GPU:0}} "
    "'cuLaunchKernel(function, stream, params, nullptr)' failed with 'CUDA_ERROR_INVALID_HANDLE' "
    "[Op:Cast] name: "
)
_OF_A_FUNCTION = """Graph execution error:

Detected at node PyFunc defined at (most recent call last):
<stack traces unavailable>
ValueError: corrupt shard
Traceback (most recent call last):

  File "/opt/tensorflow/lib/script_ops.py", line 269, in __call__
    ret = func(*args)
"""
_CAUSE = "RuntimeError: 'cuLaunchKernel(function, stream, params, nullptr)' failed with "


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError(_LOST), f"{_CAUSE}'CUDA_ERROR_UNKNOWN'"),
        (RuntimeError(_EAGER), f"{_CAUSE}'CUDA_ERROR_INVALID_HANDLE'"),
        (
            MemoryError(_EXHAUSTED),
            "ran out of memory: OOM when allocating tensor with shape[784,784]",
        ),
        (RuntimeError(_OF_A_FUNCTION), "RuntimeError: ValueError: corrupt shard"),
        (ValueError("a shape [2] of [3]"), "ValueError: a shape [2] of [3]"),
    ],
)
def test_an_error_is_told_in_a_line_that_holds_its_cause(error: Exception, told: str) -> None:
    assert in_short(error) == told
