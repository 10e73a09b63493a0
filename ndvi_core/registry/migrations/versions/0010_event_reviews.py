"""What people say of events."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "event_review",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("dismissed", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=False, comment="name of the user"),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id"),
        comment="what people last said of events",
    )


def downgrade() -> None:
    op.drop_table("event_review")
