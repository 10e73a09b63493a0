"""`python -m ndvi_core` is the `ndvi` command."""

import sys

from ndvi_core.cli import main

sys.exit(main())
