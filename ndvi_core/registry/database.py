"""The registry's database: bringing it to the current tables, and its locks."""

from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

_REGISTRATION, _EXTENTS, _CLAIMS, _INDEX_SETS, _SEASON_SETTINGS = (
    0x6E647669_00000000 + number
    for number in (1, 2, 3, 4, 5)  # any constants
)


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


def snapshot(engine: Engine) -> Connection:
    """Connect to read what was so at one moment, in as many statements as it takes."""
    return engine.connect().execution_options(isolation_level="REPEATABLE READ")


def lock_registration(connection: Connection) -> None:
    """Let writers of fields wait for each other until the transaction ends, so that they cannot deadlock."""
    connection.execute(select(func.pg_advisory_xact_lock(_REGISTRATION)))


def lock_extents(connection: Connection) -> None:
    """Let those who note an extent wait for each other until the transaction ends, so that each is noted once."""
    connection.execute(select(func.pg_advisory_xact_lock(_EXTENTS)))


def lock_index_sets(connection: Connection) -> None:
    """Let those who note a set of indices wait for each other until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_INDEX_SETS)))


def lock_claims(connection: Connection) -> None:
    """Let those who claim cells wait for each other until the transaction ends, so that none is claimed twice."""
    connection.execute(select(func.pg_advisory_xact_lock(_CLAIMS)))


def lock_season_settings(connection: Connection) -> None:
    """Let those who note other rules for seasons wait for each other until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_SEASON_SETTINGS)))
