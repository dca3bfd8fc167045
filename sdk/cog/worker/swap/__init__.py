"""Swapping changed source code in a worker that keeps its process and all that `setup()` made.

1. `sources` knows what the project's modules looked like when they were loaded.
2. `changes` compares two versions of a module, and says what differs or why that is not safe.
3. `patch` puts the differences into the modules, classes and functions that live.
"""
