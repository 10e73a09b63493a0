"""NDVI per farm field per day from Sentinel-2: the shared library, free of any scheduler."""

__version__ = "0.1.0"
