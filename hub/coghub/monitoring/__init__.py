"""What machines that look after a hub ask: is it alive, is it ready, and how is it."""
