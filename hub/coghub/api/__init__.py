"""Replicate's HTTP API: handlers parse, call a use case, and render."""
