# Run once by the postgres image, on an empty volume: a user and a database each for Airflow and for the registry.
psql --variable ON_ERROR_STOP=1 --username postgres \
  --variable airflow="$AIRFLOW_PASSWORD" --variable ndvi="$NDVI_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE DATABASE airflow OWNER airflow;
CREATE ROLE ndvi LOGIN PASSWORD :'ndvi';
CREATE DATABASE ndvi OWNER ndvi;
SQL
