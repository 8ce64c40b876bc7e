"""The doctor: what was found on a host -> what is wrong, why, and what fixes it.

Pure: nothing is read or run.
"""
