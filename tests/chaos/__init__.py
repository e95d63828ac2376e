"""Many seeded buyers at our own shop, while PortOne's API and webhooks misbehave by the same seed.

    .venv/bin/python -m tests.chaos --runs 10000 [--seed N]

Each run is one order: windows with random ends, browsers that come back or not, webhooks that come,
come twice, late or never, deposits, cancellations and retries. Then PortOne works again, `flask
reconcile` runs, and the order must be in the state that PortOne's records say. A run that is not
prints its seed; `--seed N --runs 1` makes it again. tests/money/test_chaos.py makes some of them.
"""
