"""Line and bar charts, drawn by bqplot and moved by the page."""
