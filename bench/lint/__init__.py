"""Looks for the traps that learners fall into, in a script that is read and never run."""
