"""Errors by their numbers: whose number it is, and the words that programs print it in.

A row's `codes` names the family and its numbers: `codes: {cuda: [2], xid: [79]}`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_END = r"\b(?![.\d%])"
_CUDA_CALL = r"\bcu(?!dnn|blas|fft|solver)\w{3,40}(\(\w{0,40}\)|)"


def _of_library(name: str, success: str) -> tuple[str, ...]:
    """How programs tell the number of a status of one of CUDA's libraries."""
    return (
        rf"\b{name}[ _](failure|error|status)( code|):? ?[(=]? ?<n>{_END}",
        rf"\b{name} error in \w{{3,60}}: <n>{_END}",
        rf"\b{name}\w{{3,40}}(\(\w{{0,40}}\)|) returned:? (error |status |value |)<n>\b",
        rf"\b{name}\w{{3,40}}(\(\w{{0,40}}\)|) failed with .{{0,20}}?\b<n>{_END}",
        rf"{success} \(<n> vs\. 0\)",
    )


# <n> is where the number stands.
_TOLD = {
    "xid": (
        r"\bXid \([^)]{1,40}\): <n>\b",
        r"caused by previous Xid <n>\b",
        r"\bDetected XID <n> for GPU",  # DCGM
        r"\bXidCriticalError: Xid=<n> on Device",  # Kubernetes' device plugin
    ),
    "cuda": (
        rf"\bCUDA (error|failure)( code|):? ?[(=]? ?<n>{_END}",
        rf"\bCUDA (driver|runtime|API|launch) error( code|):? ?[(=]? ?<n>{_END}",
        r"\bcudaError(_t|_enum|)[ =:(]{1,3}<n>\b",
        r"\bCUresult[ =:(]{1,3}<n>\b",
        rf"{_CUDA_CALL} returned:? (error |value |)<n>\b",
        rf"{_CUDA_CALL} failed with .{{0,20}}?\b<n>{_END}",
        rf"{_CUDA_CALL} failed: ?<n>{_END}",
        r"\bcuda.{0,80}?error code[ =:(]{1,3}<n>\b",
        r"cudaSuccess \(<n> vs\. 0\)",
        r"cuInit: UNKNOWN ERROR \(<n>\)",
        r"\bcuInit err: <n>\b",  # Ollama
        r"\b(nvcuda|cudart) init failure: <n>\b",
    ),
    "cudnn": _of_library("cudnn", "CUDNN_STATUS_SUCCESS"),
    "cublas": _of_library("cublas", "CUBLAS_STATUS_SUCCESS"),
    "cufft": _of_library("cufft", "CUFFT_SUCCESS"),
    "cusolver": _of_library("cusolver", "CUSOLVER_STATUS_SUCCESS"),
    "nccl": _of_library("nccl", "ncclSuccess"),
}
NAMES: Mapping[str, str] = {
    "xid": "Xid",
    "cuda": "CUDA error",
    "cudnn": "cuDNN status",
    "cublas": "cuBLAS status",
    "cufft": "cuFFT error",
    "cusolver": "cuSOLVER status",
    "nccl": "NCCL error",
}


_GROUPS = {f"code_of_{family}": family for family in _TOLD}
FAMILIES: Mapping[str, tuple[str, ...]] = {
    family: tuple(text.replace("<n>", rf"(?P<{group}>\d{{1,4}})") for text in _TOLD[family])
    for group, family in _GROUPS.items()
}


def is_told(match: re.Match[str], codes: Mapping[str, Collection[int]]) -> bool:
    """Whether the number in a match, if it has one, is among these."""
    coded = ((group, _GROUPS[group]) for group in match.re.groupindex if group in _GROUPS)
    return all(int(match[group]) in codes.get(family, ()) for group, family in coded)
