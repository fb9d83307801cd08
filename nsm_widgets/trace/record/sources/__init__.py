"""What a recorder knows of modules: one file for each kind."""
