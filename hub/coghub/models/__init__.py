"""Models, their versions, and who may see them. No HTTP and no SQL inside."""
