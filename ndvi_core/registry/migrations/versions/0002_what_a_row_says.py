"""What a row says besides: acquisition, fractions by cause, doubts; and null where a number was not measured."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_MEASURED = ("ndvi_valid_pixel_count", "pixel_count", "valid_fraction", "cloud_fraction")


def _new_columns() -> tuple[sa.Column[Any], ...]:
    """Return them anew, since a column belongs to one statement."""
    return (
        sa.Column("pure_pixel_count", sa.Integer(), nullable=True),
        sa.Column("shadow_fraction", sa.Double(), nullable=True),
        sa.Column("snow_fraction", sa.Double(), nullable=True),
        sa.Column("nodata_fraction", sa.Double(), nullable=True),
        sa.Column("quality", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("relative_orbit", sa.Integer(), nullable=True),
        sa.Column("sun_zenith", sa.Double(), nullable=True),
        sa.Column("view_zenith", sa.Double(), nullable=True),
    )


def upgrade() -> None:
    for column in _new_columns():
        op.add_column("observation", column)
    for name in _MEASURED:
        op.alter_column("observation", name, nullable=True)
    unknown = ", ".join(f"{name} = NULL" for name in _MEASURED)
    op.execute(f"UPDATE observation SET {unknown} WHERE pixel_count = 0")  # noqa: S608  constants


def downgrade() -> None:
    zero = ", ".join(f"{name} = coalesce({name}, 0)" for name in _MEASURED)
    op.execute(f"UPDATE observation SET {zero}")  # noqa: S608
    for name in _MEASURED:
        op.alter_column("observation", name, nullable=False)
    for column in _new_columns():
        op.drop_column("observation", column.name)
