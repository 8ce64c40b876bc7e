"""What is trained: the networks, exactly as published, and the floors that they must reach.

The modules here are read on both sides, by the parent and by the worker's interpreter, which has
TensorFlow and NumPy only: they import nothing but the standard library, and are handed `keras`.
"""
