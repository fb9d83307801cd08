"""What is measured in Python alone."""
