"""Sizes as people read them."""

UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}


def size_text(size_bytes: float) -> str:
    """Return a size for people, such as "1.4 GB"."""
    unit = next((unit for unit, worth in UNITS.items() if size_bytes < worth * 1000), "T")
    amount = size_bytes / UNITS[unit]
    return f"{amount:.1f} {unit}B" if unit else f"{amount:.0f} B"
