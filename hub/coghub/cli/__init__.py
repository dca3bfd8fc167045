"""The commands `cog` and `coghub`: one file for each command, and what they share."""
