"""The judge of other people's merchants: `portone-sandbox conformance URL --pay … --paid …`.

It drives a merchant's own page in Chromium against a sandbox, through situations in which
integrations go wrong, and says for each what it saw. docs/conformance.md lists them.
"""

from .command import main

__all__ = ["main"]
