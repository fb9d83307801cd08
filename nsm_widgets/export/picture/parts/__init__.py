"""Parts that several panels draw: axes, colour bars, hatches, marks, printed values."""
