"""All days are to be published anew, since their files have other columns; and what else makes a day stale."""

from alembic import op

revision = "0004"
down_revision = "0003"

_BEFORE = "days that are to be published anew since a field's dates were corrected"
_AFTER = "days whose files are to be published anew"


def upgrade() -> None:
    op.create_table_comment("stale_day", _AFTER, existing_comment=_BEFORE)
    _mark_all_days()


def downgrade() -> None:
    _mark_all_days()
    op.create_table_comment("stale_day", _BEFORE, existing_comment=_AFTER)


def _mark_all_days() -> None:
    op.execute("INSERT INTO stale_day SELECT DISTINCT date FROM observation ON CONFLICT DO NOTHING")
