"""Traces in files, and in stores on disk that grow while they are read."""
