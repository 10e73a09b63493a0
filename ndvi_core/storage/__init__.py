"""How objects and tables are kept: an object store, GeoParquet."""
