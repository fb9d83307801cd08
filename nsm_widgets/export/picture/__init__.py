"""Still pictures of what a view shows: PNG, SVG and PDF."""
