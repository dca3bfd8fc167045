"""Speaks Cog's HTTP to one running model."""
