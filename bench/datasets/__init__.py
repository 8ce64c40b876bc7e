"""What is trained on: a person's files, downloads, generators.  NumPy, no TensorFlow."""
