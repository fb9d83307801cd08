"""Tables and summaries: what a view shows, in words and numbers."""
