"""Weights beside the code: `weights` of cog.yaml, their lock, their layers, and their mounts.

`declared` reads cog.yaml, `sources` brings the files into the store, `packing` makes layers of
them, `lock` writes weights.lock, `artifact` speaks to the registry, `mounts` shows them to a run.
"""
