"""From a plane of values to texels: reduced to what a screen shows, then coloured by a table."""
