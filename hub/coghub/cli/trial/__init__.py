"""`cog test`: tests of a model, written beside it in YAML, and inputs drawn from its schema."""
