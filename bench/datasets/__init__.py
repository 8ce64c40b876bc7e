"""What is trained on: files that a person brings, downloads, or generators.  NumPy, no TensorFlow."""
