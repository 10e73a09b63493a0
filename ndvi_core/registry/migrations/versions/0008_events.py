"""Which parts of the seasons are to be computed anew, and the events that were found in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "stale_season_part",
        sa.Column("note", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("note"),
        comment="notes that a part of a year's seasons is to be computed anew; a part may have several",
    )
    op.create_table(
        "season_setting",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "settings", sa.Text(), nullable=False, comment="all that decides the numbers of a season besides the ledger"
        ),
        sa.Column(
            "registered_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False
        ),
        sa.PrimaryKeyConstraint("number"),
        comment="the settings that there have been; the last are those that the files of seasons were computed by",
    )
    op.create_table(
        "event",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False, comment="of the season's plant date"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("policy", "kind", "season", "plant_type", "index")),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("first_day", "last_day")),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("value", "before", "change")),
        sa.Column("evidence_days", postgresql.ARRAY(sa.Date()), nullable=False),
        sa.Column("evidence_fingerprints", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("was_open", sa.Boolean(), nullable=False, comment="now or ever; else it was over when it was found"),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("opened_at", "changed_at")),
        sa.Column(
            "announced",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="consumers were told of this status",
        ),
        sa.ForeignKeyConstraint(["sequence"], ["field.sequence"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("event_by_field", "event", ["sequence"])
    op.create_index("event_by_change", "event", ["changed_at"])
    op.create_index("event_unannounced", "event", ["event_id"], postgresql_where=sa.text("NOT announced"))


def downgrade() -> None:
    op.drop_table("event")
    op.drop_table("season_setting")
    op.drop_table("stale_season_part")
