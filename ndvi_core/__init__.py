"""NDVI per farm field per day from Sentinel-2: the shared library, free of any scheduler."""

__version__ = "0.1.0"

ALGORITHM_VERSION = "1"
"""Part of every fingerprint. Raise it when the same pixels would give other numbers: every cell is then due again."""
