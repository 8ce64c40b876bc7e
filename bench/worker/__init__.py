"""The child process: the only code that imports TensorFlow.

It runs under an interpreter that has TensorFlow, NumPy and the standard library, and imports
neither of the first two before a function that needs them is called.  The parent reads
`bench.worker.messages` alone.
"""
