"""Computing an order for seasons: series, summaries, what is usual among peers, and events. No database, no plan."""
