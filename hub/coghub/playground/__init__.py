"""The playground of one model: its form and its outputs, without a hub."""
