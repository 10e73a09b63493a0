"""Who may do what: Airflow's own users with their rights on our DAGs. Nothing is signed, no bucket has to be public."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Header, HTTPException, Request

from ndvi_airflow.addresses import base_url
from ndvi_airflow.airflow_compat import BaseUser, DagAccessEntity, GetUserDep, requires_access_dag
from ndvi_airflow.defaults import DAILY, RECOMPUTE, REGISTRATION, SEASON
from ndvi_airflow.web.answers import GEOJSON

UPLOAD_TYPES = (GEOJSON, "application/json")
"""Content types that no form of another site can send without asking the server first (CORS)."""

Requirement = Callable[[Request, BaseUser], None]
"""Lets a user through, or raises an HTTPException."""


def _reading(dag_id: str | None = None) -> Requirement:
    """Require the right to read a DAG; without an id that of the path."""
    return _in_words(requires_access_dag("GET", param_dag_id=dag_id), "read", dag_id)


def _triggering(dag_id: str) -> Requirement:
    return _in_words(requires_access_dag("POST", DagAccessEntity.RUN, dag_id), "trigger", dag_id)


def _in_words(requirement: Requirement, verb: str, dag_id: str | None) -> Requirement:
    """Let a refusal say which right is missing: Airflow's own says that it is one."""

    def check(request: Request, user: GetUserDep) -> None:
        try:
            requirement(request, user)
        except HTTPException as error:
            if error.status_code != 403:
                raise
            dag = dag_id or request.path_params["dag_id"]
            raise HTTPException(
                403, f"this takes the right to {verb} the DAG {dag}, which you do not have: ask who runs this Airflow"
            ) from error

    return check


_upload = _triggering(REGISTRATION)
_review = _triggering(SEASON)
_recompute = _triggering(RECOMPUTE)

reader = Depends(_reading(DAILY))
"""May see fields and observations: those who may see `ndvi_daily`."""
dag_reader = Depends(_reading())
"""May see the DAG that the path names."""
uploader = Depends(_upload)
"""May upload fields: those who may trigger `field_registration`."""
reviewer = Depends(_review)
"""May dismiss events and note something on them: those who may trigger `ndvi_season`."""


def may_upload(request: Request, user: GetUserDep) -> bool:
    """Whether `uploader` would let this user through."""
    return _allowed(_upload, request, user)


def may_review(request: Request, user: GetUserDep) -> bool:
    """Whether `reviewer` would let this user through."""
    return _allowed(_review, request, user)


def may_recompute(request: Request, user: GetUserDep) -> bool:
    """Whether Airflow would let this user trigger `ndvi_recompute`."""
    return _allowed(_recompute, request, user)


def _allowed(requirement: Requirement, request: Request, user: BaseUser) -> bool:
    try:
        requirement(request, user)
    except HTTPException:
        return False
    return True


def _same_site(request: Request, origin: Annotated[str | None, Header()] = None) -> None:
    """Refuse what a page of another site sends with the user's cookie; commands and scripts send no Origin.

    Raises:
        HTTPException: 403.
    """
    ours = {request.url.netloc, urlsplit(base_url()).netloc} - {""}
    if origin is not None and urlsplit(origin).netloc not in ours:
        raise HTTPException(403, f"a page of {origin} may not do this: use the page of this Airflow")


same_site = Depends(_same_site)


def _json_only(content_type: Annotated[str, Header(include_in_schema=False)] = "") -> None:
    """Refuse what a form of another site could send.

    Raises:
        HTTPException: 415.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, f"the content type has to be application/json, not {content_type[:100]!r}")


json_only = Depends(_json_only)
