"""What pages are made of, whoever serves them: forms, outputs, snippets, static files."""
