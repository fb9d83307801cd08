"""One file for each kind of panel."""
