"""How the `cog` command runs a project: each engine makes what it needs and starts the model."""
