"""How often rows of a day were written, for who keeps a copy of it; and where the rows of some days lie."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "written_day",
        sa.Column("note", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("note"),
        comment="notes that rows of a day were written: with one more, copies of the day are out of date",
    )
    op.create_index("written_day_by_date", "written_day", ["date"])
    op.create_index(
        "observation_by_date",
        "observation",
        ["date"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )


def downgrade() -> None:
    op.drop_index("observation_by_date", "observation")
    op.drop_table("written_day")
