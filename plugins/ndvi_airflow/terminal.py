"""How commands speak: what is wrong is one line on standard error, with the exit code of the error."""

from collections.abc import Iterator
from contextlib import contextmanager

from ndvi_airflow.report import open_console
from ndvi_core.errors import EXIT_BAD_INPUT, EXIT_TRY_AGAIN, NdviError

console = open_console()
_complaints = open_console(stderr=True)


def complain(text: str) -> None:
    """Print on standard error what is wrong, or what a person should know besides the answer."""
    _complaints.print(text, style="red", markup=False)


@contextmanager
def plain_errors() -> Iterator[None]:
    """End with one clear line and the exit code of the error instead of a traceback."""
    from airflow.sdk.exceptions import AirflowNotFoundException
    from sqlalchemy.exc import OperationalError

    from ndvi_airflow.airflow_compat import look_into_own_database

    look_into_own_database()
    try:
        yield
    except AirflowNotFoundException as error:
        complain(f"{error}: define it, e.g. by `airflow connections add`")
        raise SystemExit(EXIT_BAD_INPUT) from error
    except OperationalError as error:
        complain(f"the database does not answer: {str(error.orig).strip().splitlines()[0]}")
        raise SystemExit(EXIT_TRY_AGAIN) from error
    except NdviError as error:
        complain(str(error))
        raise SystemExit(error.exit_code or EXIT_BAD_INPUT) from error
