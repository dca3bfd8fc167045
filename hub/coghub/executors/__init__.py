"""Starting and stopping instances."""
