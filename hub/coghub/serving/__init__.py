"""What a hub's process does around its parts: listening, stopping, and what it logs."""
