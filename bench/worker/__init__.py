"""How the worker trains: imported by bench.worker alone, under an interpreter that has TensorFlow.

Like the worker, these modules need TensorFlow, NumPy and the standard library, and import neither
of the first two before a function that needs them is called.
"""
