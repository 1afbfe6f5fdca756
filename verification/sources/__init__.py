"""Outside sources. installed.py selects the adapters and the operator's files."""
