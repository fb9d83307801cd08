"""One file for each view of a trace."""
