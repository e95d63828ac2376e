"""What a check found, and the list of checks."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .judge import Judge


class Finding(NamedTuple):
    """passed: None if it can't be told from outside. seen: the evidence, in a sentence or two."""

    passed: bool | None
    seen: str


def passed(seen: str) -> Finding:
    return Finding(True, seen)


def failed(seen: str) -> Finding:
    return Finding(False, seen)


def unknown(seen: str) -> Finding:
    return Finding(None, seen)


class Situation(NamedTuple):
    """name: for scripts. title: for people. advice: what to do if it fails.

    needs_webhook: it is not judged without the address of the merchant's webhook.
    """

    name: str
    title: str
    advice: str
    run: "Callable[[Judge], Finding]"
    needs_webhook: bool = False


SITUATIONS: list[Situation] = []


def situation(
    name: str, title: str, advice: str, needs_webhook: bool = False
) -> "Callable[[Callable[[Judge], Finding]], Callable[[Judge], Finding]]":
    """Add the function to SITUATIONS."""

    def add(run: "Callable[[Judge], Finding]") -> "Callable[[Judge], Finding]":
        SITUATIONS.append(Situation(name, title, advice, run, needs_webhook))
        return run

    return add


class Result(NamedTuple):
    """One line of the report."""

    situation: Situation
    finding: Finding

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.situation.name,
            "passed": self.finding.passed,
            "seen": self.finding.seen,
            "advice": "" if self.finding.passed else self.situation.advice,
        }


def score(results: list[Result]) -> str:
    """Such as "18/22": what can't be told from outside is in neither number."""
    judged = [each.finding.passed for each in results if each.finding.passed is not None]
    return f"{sum(judged)}/{len(judged)}"
