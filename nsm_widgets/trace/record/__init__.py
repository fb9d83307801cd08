"""The recorder: from hooks on a model's modules to the arrays of a trace."""
