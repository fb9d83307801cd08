"""Proves the speed: ours and what a reader would pick instead, on the same data, in the same run.

``make bench`` measures all and writes ``docs/benchmarks.md``; ``make bench-quick`` prints a part of it.

- ``plan.py`` says what is measured and within which limits; ``frames.py`` makes data that carries its step.
- ``tools/`` has a file for each tool: the cell that a reader would write, where picture and slider are.
- ``page/`` measures in a real JupyterLab in Chromium; ``kernel/`` measures in Python alone.
- ``costs.py`` measures what grows with the data.
- ``results.py`` is what came out, ``report/`` makes tables, words and charts of it.
"""
