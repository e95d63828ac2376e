"""All checks, in the order in which they are run."""

from importlib import import_module

from .findings import SITUATIONS, Situation

MODULES = ("paying", "tampering", "forging", "repeating", "notifying", "breaking")


def load() -> list[Situation]:
    """An import adds a module's checks to SITUATIONS, whoever imports it first."""
    for name in MODULES:
        import_module(f".{name}", __package__)
    return sorted(SITUATIONS, key=lambda each: MODULES.index(each.run.__module__.split(".")[-1]))
