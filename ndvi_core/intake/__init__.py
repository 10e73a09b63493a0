"""From an uploaded GeoJSON document to fields of the registry."""
