"""The web page inside Airflow's UI and the API behind it, as one app that Airflow's own server mounts."""
