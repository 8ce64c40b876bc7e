"""Experiments: several networks, or ways to train one, each from several seeds, told as an answer.

They are trained by the session that `pytest bench/` trains with, recorded and drawn as its runs.
"""
