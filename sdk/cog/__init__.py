"""The public names of Cog."""
