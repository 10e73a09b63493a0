"""What is told to whom: days that were published, to other DAGs; events and days that are late, to people."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False)


def upgrade() -> None:
    published: sa.Column[bool] = sa.Column(
        "published",
        sa.Boolean(),
        server_default="true",  # of those that there are: nobody is told of days that are long past
        nullable=False,
        comment="its file was; a day that was left out waits for the catch-up",
    )
    op.add_column("recorded_day", published)
    op.alter_column("recorded_day", "published", server_default="false")
    op.create_table(
        "published_day",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True, comment="of the day's file; null: it has none any more"),
        _now("changed_at"),
        sa.Column("announced", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("date"),
        comment="the days' files, and whether other DAGs were told of their last change",
    )
    op.create_index("published_day_unannounced", "published_day", ["date"], postgresql_where=sa.text("NOT announced"))
    op.create_table(
        "late_day",
        sa.Column("date", sa.Date(), nullable=False),
        _now("noticed_at"),
        sa.PrimaryKeyConstraint("date"),
        comment="days that were not published when their deadline passed",
    )
    op.create_table(
        "receiver",
        sa.Column("name", sa.Text(), nullable=False),
        _now("since"),
        sa.PrimaryKeyConstraint("name"),
        comment="who is told, and from when on",
    )
    op.create_table(
        "told",
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="id of an event, a day that was late, or a run"),
        sa.Column("status", sa.Text(), nullable=False, comment="what was said of it; counted: it was not named"),
        _now("told_at"),
        sa.ForeignKeyConstraint(["receiver"], ["receiver.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("receiver", "subject"),
    )


def downgrade() -> None:
    for table in ("told", "receiver", "late_day", "published_day"):
        op.drop_table(table)
    op.drop_column("recorded_day", "published")
