"""The API of a laptop stack's page, as its one user."""

import httpx

PATIENCE_SECONDS = 300


def api_client(url: str) -> httpx.Client:
    """Return a client of the API of an Airflow at `url`, to which paths are relative."""
    token = httpx.get(f"{url}/auth/token", trust_env=False).raise_for_status().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{url}/ndvi/api/", headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
