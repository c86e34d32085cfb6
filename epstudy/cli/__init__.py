"""The command line: its parser, and what stands behind demo, doctor and notebooks."""
