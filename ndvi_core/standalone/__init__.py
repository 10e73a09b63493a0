"""The whole computation in one process: from fields to rows and pictures in a folder, without a registry."""
