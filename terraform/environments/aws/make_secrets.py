"""Make the passwords of a deployment: `make_secrets.py HOST FOLDER`.

Writes to the folder `databases.sql`, which makes the users and the registry's database on HOST, and the contents of the
secrets that environments/aws waits for (`airflow.json`, ...). They are to be fed to psql and to Secrets Manager as
files, so that none of them is ever an argument of a command, and removed then.
"""

import json
import os
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from secrets import token_bytes, token_urlsafe


def main(host: str, folder: Path) -> None:
    """Write new passwords, for a database server on `host`, to files that nobody else may read."""
    airflow, ndvi, redis = (token_urlsafe(32) for _ in range(3))
    registry = {"conn_type": "postgres", "host": host, "login": "ndvi", "password": ndvi, "schema": "ndvi"}
    files = {
        "databases.sql": (
            f"CREATE ROLE airflow LOGIN PASSWORD '{airflow}';\n"
            "GRANT airflow TO postgres;\n"
            "ALTER DATABASE airflow OWNER TO airflow;\n"
            f"CREATE ROLE ndvi LOGIN PASSWORD '{ndvi}';\n"
            "GRANT ndvi TO postgres;\n"
            "CREATE DATABASE ndvi OWNER ndvi;\n"
        ),
        "airflow.json": json.dumps(
            {
                "connection": f"postgresql+psycopg2://airflow:{airflow}@{host}/airflow",
                "fernet-key": urlsafe_b64encode(token_bytes(32)).decode(),
                "api-secret-key": token_urlsafe(32),
                "jwt-secret": token_urlsafe(64),
                "password": redis,
            }
        ),
        "airflow-broker.json": json.dumps({"connection": f"redis://:{redis}@airflow-redis:6379/0"}),
        "ndvi-connections.json": json.dumps({"AIRFLOW_CONN_NDVI_REGISTRY": json.dumps(registry)}),
    }
    for name, text in files.items():
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
