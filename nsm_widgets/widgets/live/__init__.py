"""Views that follow a recording while it runs."""
