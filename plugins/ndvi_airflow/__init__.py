"""The seam between Airflow and ndvi_core."""
