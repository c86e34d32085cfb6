"""JupyterLab in Chromium, as a user has it: real server, real kernels, real pages."""
