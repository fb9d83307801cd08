"""Where the content of a read comes from."""
