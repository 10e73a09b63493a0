"""What is fixed for all: the version of the computation, the first day that there is an image of, and a length."""

from datetime import date

ALGORITHM_VERSION = "2"
"""Part of every fingerprint. Raise it when the same pixels would give other numbers: every cell is then due again."""

FIRST_IMAGE = date(2015, 6, 27)
"""The day of Sentinel-2A's first image: a field that was planted before is processed from then on."""

METRES_PER_DEGREE = 111_320.0
"""Length of a degree of longitude on the equator, and nearly that of a degree of latitude anywhere."""
