"""The plugin's fixtures, which an installed package has by itself, instead of the suite's own."""

from portone_sandbox.pytest_plugin import portone, portone_server  # noqa: F401 - fixtures

collect_ignore = ["project"]  # a project of its own: test_wheel.py runs it
