"""Hostile input for every reader of the project: ``python -m tests.fuzz``."""
