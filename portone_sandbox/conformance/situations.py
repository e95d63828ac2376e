"""All checks, in the order in which they are run."""

from importlib import import_module

from .findings import SITUATIONS, Situation

MODULES = ("paying", "tampering", "forging", "repeating", "notifying", "breaking")


def load() -> list[Situation]:
    """An import adds a module's checks to SITUATIONS."""
    for name in MODULES:
        import_module(f".{name}", __package__)
    return SITUATIONS
