"""The OCI distribution API, and what of Cog's own that a registry answers."""
