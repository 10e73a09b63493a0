"""The dependencies of the routes (registry, bucket, settings), and how errors become answers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Annotated

from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.settings import AirflowSettings, load_settings
from ndvi_core.errors import NdviError, NotFound, TryAgain
from ndvi_core.registry.database import snapshot
from ndvi_core.storage.object_store import Store


@cache
def _engine() -> Engine:
    """Return the one engine of this process, with its pool: a changed connection counts from its next start."""
    return registry_engine(pool_pre_ping=True)


def _snapshot() -> Iterator[Connection]:
    with snapshot(_engine()) as connection:
        yield connection


def _opener() -> Callable[[], AbstractContextManager[Connection]]:
    return lambda: snapshot(_engine())


def _transaction() -> Iterator[Connection]:
    with _engine().begin() as connection:
        yield connection


def _bucket() -> Store:
    return open_bucket(load_settings().bucket_url)


# Given back before the answer is sent: a slow reader holds no connection.
Registry = Annotated[Connection, Depends(_snapshot, scope="function")]
"""To read what was so at one moment."""
RegistryToWrite = Annotated[Connection, Depends(_transaction, scope="function")]
RegistryAtNeed = Annotated[Callable[[], AbstractContextManager[Connection]], Depends(_opener)]
"""For answers that read the bucket, which takes long: they hold no connection meanwhile, and need none where the bucket
has all."""
Bucket = Annotated[Store, Depends(_bucket)]
Current = Annotated[AirflowSettings, Depends(load_settings)]


def answer_errors(app: FastAPI) -> None:
    """Let errors of the core and of the database end in answers that say what to do."""

    @app.exception_handler(NdviError)
    def _core(_: Request, error: NdviError) -> JSONResponse:
        status = 404 if isinstance(error, NotFound) else 503 if isinstance(error, TryAgain) else 502
        return JSONResponse({"detail": str(error)}, status)

    @app.exception_handler(NoFreeConnection)
    def _busy(_: Request, error: NoFreeConnection) -> JSONResponse:
        return JSONResponse({"detail": f"the registry's database is busy, ask again later: {error}"}, 503)

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    def _database(_: Request, error: OperationalError | InterfaceError) -> JSONResponse:
        return JSONResponse({"detail": f"the registry's database does not answer: {error.orig}"}, 503)

    @app.exception_handler(ProgrammingError)
    def _tables(_: Request, error: ProgrammingError) -> JSONResponse:
        remedy = "run `airflow ndvi migrate`, and check the rights of the user in the connection"
        return JSONResponse({"detail": f"the registry's database refuses: {error.orig}; {remedy}"}, 502)

    @app.exception_handler(Exception)
    def _defect(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": f"a defect, {type(error).__name__}: see the log of Airflow's API server"}, 500)

    @app.exception_handler(AirflowNotFoundException)
    def _undefined(_: Request, error: AirflowNotFoundException) -> JSONResponse:
        return JSONResponse({"detail": f"{error}: define it, e.g. by `airflow connections add`"}, 502)
