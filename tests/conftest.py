"""What all tests share."""

from hypothesis import settings

# A deadline is a timing assertion: a busy machine would fail tests that are right.
settings.register_profile("coghub", deadline=None)
settings.load_profile("coghub")
