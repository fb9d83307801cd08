"""Pages that stay alive: HTML with the widgets' state and their runtime, without kernel or network."""
