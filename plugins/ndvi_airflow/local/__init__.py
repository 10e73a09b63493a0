"""The whole system on one machine: real servers from PyPI wheels, all their state in one folder."""
