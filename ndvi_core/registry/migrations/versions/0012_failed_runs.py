"""Runs that failed, for people to be told of."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "failed_run",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False, comment="the tasks that failed"),
        sa.Column("failed_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "run_id"),
        comment="runs that failed, with what failed first",
    )


def downgrade() -> None:
    op.drop_table("failed_run")
