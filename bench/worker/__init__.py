"""The child process: the only code that imports TensorFlow, JAX or PyTorch.

It runs under an interpreter that has one of them, Keras, NumPy and the standard library, and
imports none of the first before a function that needs it is called.  The parent reads
`bench.worker.messages` alone.
"""
