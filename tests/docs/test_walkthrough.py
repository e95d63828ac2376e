"""docs/walkthrough: its code is that of the files, and each "break it" breaks a test."""

import importlib.util
import re
import subprocess
import sys

import pytest

from tests.docs.pages import PAGES, ROOT

SPEC = importlib.util.spec_from_file_location("walkthrough", ROOT / "docs/walkthrough.py")
walkthrough = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(walkthrough)
NAMES = ("docs/walkthrough.md", "docs/walkthrough.ko.md")
EXERCISES = walkthrough.exercises(PAGES[NAMES[0]])
STEPS = [f"{exercise.file} {exercise.name}" for exercise in EXERCISES]


@pytest.mark.parametrize("name", NAMES)
def test_its_code_is_that_of_the_files(name):
    """If this fails: python docs/walkthrough.py"""
    assert walkthrough.filled(PAGES[name]) == PAGES[name]


@pytest.mark.parametrize("name", NAMES)
def test_each_of_its_ten_steps_has_code_and_an_exercise(name):
    steps = re.split(r"^## (?=\d)", PAGES[name], flags=re.MULTILINE)[1:]
    assert [step.partition(".")[0] for step in steps] == [str(number) for number in range(1, 11)]
    for step in steps:
        shown = re.findall(r"^```(?:python|js)\n(.*?)^```", step, re.DOTALL | re.MULTILINE)
        assert shown and sum(block.count("\n") for block in shown) <= 24
        assert len(walkthrough.exercises(step)) == 1
        for quoted in re.findall("^```(?:python|js)$", step, re.MULTILINE):
            assert step.count("<!-- code:") == len(shown), f"pasted code: {quoted}"


def test_both_languages_have_the_same_exercises():
    assert walkthrough.exercises(PAGES[NAMES[1]]) == EXERCISES


@pytest.mark.parametrize("exercise", EXERCISES, ids=STEPS)
def test_what_is_to_be_deleted_and_the_test_are_there(exercise):
    broken = walkthrough.broken(exercise)
    assert broken != (ROOT / exercise.file).read_text()
    if exercise.file.endswith(".py"):
        compile(broken, exercise.file, "exec")
    file, test = exercise.test.split("::")
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE)


@pytest.mark.exhaustive
@pytest.mark.parametrize("exercise", EXERCISES, ids=STEPS)
def test_each_exercise_makes_its_test_fail(clone, exercise):
    (clone / exercise.file).write_text(walkthrough.broken(exercise))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, exercise.test], cwd=clone, capture_output=True, text=True, timeout=300
    )
    if "skipped" in ran.stdout and "no browser" in ran.stdout.lower():
        pytest.skip("no browser")
    assert ran.returncode == 1 and " failed" in ran.stdout, ran.stdout + ran.stderr
