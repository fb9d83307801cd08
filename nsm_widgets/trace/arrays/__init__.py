"""What a trace is: named arrays, their coordinates and masks, and the conversions into them. NumPy alone."""
