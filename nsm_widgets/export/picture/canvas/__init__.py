"""What is drawn on: one interface over Pillow, SVG and matplotlib's PDF."""
