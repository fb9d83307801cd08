"""What is measured in a real JupyterLab in Chromium."""
