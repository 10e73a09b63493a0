"""Write new passwords and keys for docker/compose.yaml to the standard output, as lines of NAME=VALUE."""

import sys
from base64 import urlsafe_b64encode
from secrets import token_bytes, token_urlsafe

LENGTHS = {  # bytes
    "POSTGRES_PASSWORD": 32,
    "AIRFLOW_PASSWORD": 32,
    "NDVI_PASSWORD": 32,
    "S3_ACCESS_KEY": 16,
    "S3_SECRET_KEY": 32,
    "API_SECRET_KEY": 32,
    "JWT_SECRET": 64,
}

for name, length in LENGTHS.items():
    sys.stdout.write(f"{name}={token_urlsafe(length)}\n")
sys.stdout.write(f"FERNET_KEY={urlsafe_b64encode(token_bytes(32)).decode()}\n")
