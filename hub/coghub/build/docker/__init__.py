"""Speaks to a Docker engine, through the `docker` command."""
