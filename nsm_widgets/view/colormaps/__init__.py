"""From the name of a colour map to its colours."""
