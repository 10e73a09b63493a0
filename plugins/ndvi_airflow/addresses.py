"""The addresses of Airflow's pages, for links that people follow from elsewhere."""

from airflow.providers.common.compat.sdk import conf


def base_url() -> str:
    """Return what they begin with, `[api] base_url`, without a slash at its end; empty if it is not set."""
    url: str = conf.get("api", "base_url", fallback="")
    return url.rstrip("/")
