"""NDVI per farm field per day from Sentinel-2: the shared library, free of any scheduler."""

from datetime import date

__version__ = "0.1.0"

ALGORITHM_VERSION = "1"
"""Part of every fingerprint. Raise it when the same pixels would give other numbers: every cell is then due again."""

FIRST_IMAGE = date(2015, 6, 27)
"""The day of Sentinel-2A's first image: a field that was planted before is processed from then on."""
