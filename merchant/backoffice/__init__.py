"""For staff and cron: reconciliation, refunds, what needs a person, and the commands."""
