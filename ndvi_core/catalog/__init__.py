"""From a STAC API to scenes."""
