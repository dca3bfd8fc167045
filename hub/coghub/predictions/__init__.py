"""Predictions: made, watched, moved from state to state. No HTTP and no SQL inside."""
