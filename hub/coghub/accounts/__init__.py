"""Who uses the hub: accounts and their tokens. No HTTP and no SQL inside."""
