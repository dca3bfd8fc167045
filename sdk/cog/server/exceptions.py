"""Where Cog up to 0.16 kept its exceptions; old models import them from here."""

from cog.errors import CancelationException

__all__ = ["CancelationException"]
