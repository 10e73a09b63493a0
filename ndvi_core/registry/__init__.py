"""The database: fields, the ledger of observations, and what is asked of both."""
