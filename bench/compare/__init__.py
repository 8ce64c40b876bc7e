"""Is it slower than before?  Two records, or two environments of one run, row by row.

    python -m bench compare A B
    pytest bench/ --against FILE|last|best
    python -m bench compare-envs PYTHON_A PYTHON_B

Only what has the same key is compared: the same hardware, driver, settings, software, network and
data.  The answers are four, and each comes with an interval; `docs/compare.md` says what they mean.
"""
