"""The registry's database: bringing it to the current tables, and the lock of registrations."""

from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

_REGISTRATION_LOCK = 0x6E647669_00000001  # any constant; registrations queue up on it


def upgrade(engine: Engine) -> None:
    """Bring the registry's database to the current tables; safe at any time, and for several callers at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        lock_registration(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def lock_registration(connection: Connection) -> None:
    """Let writers of fields wait for each other until the transaction ends, so that they cannot deadlock."""
    connection.execute(select(func.pg_advisory_xact_lock(_REGISTRATION_LOCK)))
