"""Telling others: other DAGs of days that have changed, people of what is unusual and of days that are late."""
