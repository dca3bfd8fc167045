"""The commands of `coghub`, for who runs models for others; one file each."""
