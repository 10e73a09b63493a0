"""The registry of fields, their revisions, the ledger and the recorded days."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "field",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("field_id", sa.Text(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False, comment="WKB, WGS84"),
        sa.Column("geometry_hash", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("plant_type", sa.Text(), nullable=False),
        sa.Column("plant_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False, comment="URI of the file that the current values came from"),
        sa.Column(
            "announced",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="consumers were told of these values",
        ),
        sa.Column(
            "caught_up",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="its days before registration are done",
        ),
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("field_id"),
    )
    op.create_index("field_behind", "field", ["sequence"], unique=False, postgresql_where=sa.text("NOT caught_up"))
    op.create_index("field_unannounced", "field", ["sequence"], unique=False, postgresql_where=sa.text("NOT announced"))
    op.create_table(
        "recorded_day",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("date"),
        comment="days that a daily run has recorded: up to the last of them, fields that arrive late are owed a row",
    )
    op.create_table(
        "field_revision",
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("geometry_hash", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["field.sequence"]),
        sa.PrimaryKeyConstraint("sequence", "revision"),
    )
    op.create_table(
        "observation",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ndvi_mean", sa.Double(), nullable=True),
        sa.Column("ndvi_std", sa.Double(), nullable=True),
        sa.Column("ndvi_min", sa.Double(), nullable=True),
        sa.Column("ndvi_max", sa.Double(), nullable=True),
        sa.Column("ndvi_p10", sa.Double(), nullable=True),
        sa.Column("ndvi_p25", sa.Double(), nullable=True),
        sa.Column("ndvi_median", sa.Double(), nullable=True),
        sa.Column("ndvi_p75", sa.Double(), nullable=True),
        sa.Column("ndvi_p90", sa.Double(), nullable=True),
        sa.Column("ndvi_valid_pixel_count", sa.Double(), nullable=False),
        sa.Column("pixel_count", sa.Double(), nullable=False),
        sa.Column("valid_fraction", sa.Double(), nullable=False),
        sa.Column("cloud_fraction", sa.Double(), nullable=False),
        sa.Column("scene_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("baseline", sa.Text(), nullable=True),
        sa.Column("offset_rule", sa.Text(), nullable=True),
        sa.Column("mask_policy", sa.Text(), nullable=False),
        sa.Column("algorithm_version", sa.Text(), nullable=False),
        sa.Column("geometry_hash", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column(
            "failed_fingerprint",
            sa.Text(),
            nullable=True,
            comment="of a newer attempt that failed, while the row keeps its answer",
        ),
        sa.Column(
            "planned_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the run that computed it was planned",
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["field.sequence"]),
        sa.PrimaryKeyConstraint("date", "sequence"),
    )
    op.create_index("observation_by_field", "observation", ["sequence", "date"], unique=False)


def downgrade() -> None:
    op.drop_index("observation_by_field", table_name="observation")
    op.drop_table("observation")
    op.drop_table("field_revision")
    op.drop_table("recorded_day")
    op.drop_index("field_unannounced", table_name="field", postgresql_where=sa.text("NOT announced"))
    op.drop_index("field_behind", table_name="field", postgresql_where=sa.text("NOT caught_up"))
    op.drop_table("field")
