"""Files that clients upload for their inputs. No HTTP and no SQL inside."""
