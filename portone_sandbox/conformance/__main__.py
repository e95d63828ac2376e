"""`python -m portone_sandbox.conformance`."""

import sys

from . import main

sys.exit(main(sys.argv[1:]))
