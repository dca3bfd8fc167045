"""Commands of older versions that scripts still call."""
