"""Of slots: which are used, how much, and which are folded away."""
