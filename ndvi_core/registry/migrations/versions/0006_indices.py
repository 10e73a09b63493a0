"""Indices other than NDVI: the rows of each, and which set of them the days' files have."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

_STATISTICS = ("mean", "std", "min", "max", "p10", "p25", "median", "p75", "p90", "valid_pixel_count")


def upgrade() -> None:
    op.create_table(
        "observation_index",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in _STATISTICS),
        sa.ForeignKeyConstraint(["date", "sequence"], ["observation.date", "observation.sequence"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("date", "sequence", "index"),
        comment="a row of the ledger has one for each index other than NDVI",
    )
    op.create_table(
        "index_set",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "registered_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False
        ),
        sa.PrimaryKeyConstraint("number"),
        comment="the sets of indices that there have been; the last is that of today, and none is NDVI alone",
    )


def downgrade() -> None:
    """Days whose files have columns of indices are published anew, without them."""
    op.execute(
        "INSERT INTO stale_day SELECT DISTINCT date FROM observation WHERE EXISTS (SELECT FROM index_set)"
        " ON CONFLICT DO NOTHING"
    )
    op.drop_table("index_set")
    op.drop_table("observation_index")
