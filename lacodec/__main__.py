"""`python -m lacodec` is the `lacodec` command."""

import sys

from lacodec.cli import main

if __name__ == "__main__":
    sys.exit(main())
