"""What any program needs: bounded concurrency, garbage collection, JSON over HTTP."""
