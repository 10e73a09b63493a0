"""Days that are to be published anew since a field's dates were corrected."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "stale_day",
        sa.Column("date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("date"),
        comment="days that are to be published anew since a field's dates were corrected",
    )


def downgrade() -> None:
    op.drop_table("stale_day")
