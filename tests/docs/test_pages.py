"""README and docs/: what they link to and name is there, and both languages say the same."""

import re

import pytest

from tests.docs import pages
from tests.docs.pages import DOCS, PAGES, PAIRS, README, ROOT, blocks, names, without_blocks

OTHERS = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "portone_sandbox/README.md")
LINKING = {**PAGES, **{name: (ROOT / name).read_text() for name in OTHERS}}
COMMANDS = {
    value: name for name, value in vars(pages).items() if name.isupper() and isinstance(value, str)
}
# Pages whose commands a test of their own runs
OF_ITS_OWN = ("docs/copy", "docs/sandbox", "docs/conformance", "docs/pg")
TESTS = {
    str(file.relative_to(ROOT)): file.read_text()
    for file in (ROOT / "tests").rglob("*.py")
    if file.name not in ("pages.py", "test_pages.py")
}
MODULES = {
    file.stem: file.read_text()
    for file in [*(ROOT / "merchant").glob("*.py"), *(ROOT / "merchant/pages").glob("*.py")]
}


def anchors(name):
    """Returns the anchors that GitHub gives the headings of a page."""
    page = without_blocks((ROOT / name).read_text())
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", LINKING)
def test_its_links_and_anchors_are_there(name):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(LINKING[name])):
        path, _, anchor = link.partition("#")
        if path.startswith(("https://", "http://")):
            continue
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), link
        assert not anchor or anchor in anchors(file.resolve().relative_to(ROOT)), link


@pytest.mark.parametrize("name", PAGES)
def test_it_links_to_pages_of_its_own_language(name):
    for link in re.findall(r"\]\((?!http)([^)#]+\.md)[^)]*\)", PAGES[name]):
        other = link.replace(".ko.md", ".md") if ".ko.md" in link else link.replace(".md", ".ko.md")
        is_translated = ((ROOT / name).parent / other).exists()
        is_switch = f"[English]({link})" in PAGES[name] or f"[한국어]({link})" in PAGES[name]
        if is_translated and not is_switch:
            assert link.endswith(".ko.md") == name.endswith(".ko.md"), link


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_both_languages_say_the_same(english, korean):
    one, other = PAGES[english], PAGES[korean]
    assert names(one) == names(other)
    headings = [re.findall("^#+", without_blocks(page), re.MULTILINE) for page in (one, other)]
    assert headings[0] == headings[1]
    kinds = [re.findall("^ *```(.*)$", page, re.MULTILINE) for page in (one, other)]
    assert kinds[0] == kinds[1]
    for kind in {"sh", "python", "js", "nginx", "sql"} & set(kinds[0]):
        code = ["\n\n".join(blocks(page, kind)) for page in (one, other)]
        comments = re.compile(r"(^|\s+)(#|//|--) .*$", re.MULTILINE)  # are in the page's language
        assert comments.sub("", code[0]) == comments.sub("", code[1])
    rows = [len(re.findall(r"^\|", page, re.MULTILINE)) for page in (one, other)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    "name", [*(name for name in PAGES if name.endswith(".ko.md")), "portone_sandbox/README.ko.md"]
)
def test_the_terms_are_settled(name):
    """One term for each thing, as PortOne's own documentation and Korean shops write it."""
    wrong = (
        *("결제 수단", "입금 기한", "주문 번호", "API 시크릿", "금액 위조", "채널키", "상점 ID"),
        *("휴대전화", "리다이렉트", "새로 고", "관리자 콘솔", "대구은행"),
    )
    assert not [term for term in wrong if term in (ROOT / name).read_text()]


def test_every_command_is_run_by_a_test():
    for name, page in PAGES.items():
        stem = name.replace(".ko.md", "").replace(".md", "")
        commands = [line for block in blocks(page, "sh") for line in block.splitlines() if line]
        if commands and stem in OF_ITS_OWN:
            page_name = f"{stem.removeprefix('docs/')}.md"
            assert any(page_name in text for text in TESTS.values()), f"no test reads {page_name}"
            continue
        for command in commands:
            assert command in COMMANDS, f"{name}: {command}"
            used = rf"\b{COMMANDS[command]}\b"
            assert command == pages.TEST or any(re.search(used, text) for text in TESTS.values())


def test_the_readmes_test_command_is_run_by_ci():
    assert pages.TEST in (ROOT / ".ci/run").read_text().replace("'", "")


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_file_and_function_it_names_is_there(name):
    explained = (ROOT / ".env.example").read_text()
    sources = "".join(file.read_text() for file in (ROOT / "portone_sandbox").rglob("*.py"))
    codes = {"PORTONE_REJECTED", "PORTONE_UNAVAILABLE"}
    for setting in set(re.findall(r"\bPORTONE_[A-Z_]+\b", PAGES[name])) - codes:
        assert setting in explained or setting in TESTS["tests/test_contributing.py"], setting
    for setting in re.findall(r"\bSANDBOX_[A-Z_]+\b", PAGES[name]):
        assert setting in sources, setting
    for code in names(PAGES[name]):
        if re.fullmatch(r"(merchant|portone_sandbox|static|templates|tests|docs)/[\w./]*", code):
            assert (ROOT / code).exists(), code
        module, _, function = code.partition(".")
        if name.startswith("docs/sandbox") and module == "portone":
            continue  # pytest's fixture, which test_sandbox.py compares
        if module in MODULES and re.fullmatch(r"[a-zA-Z_]+", function) and function != "py":
            found = re.search(rf"^(def|class) {function}\b", MODULES[module], re.MULTILINE)
            assert found or re.search(rf"^{function}\b", MODULES[module], re.MULTILINE), code


@pytest.mark.parametrize("name", README)
def test_the_readme_is_short_and_starts_with_the_two_commands(name):
    page = PAGES[name]
    assert len(page.splitlines()) <= 110
    before, commands, _ = page.partition(pages.RUN)
    assert commands and before.count("\n\n") == 4, "title, language, one paragraph, 'Run:'"
    assert blocks(page, "sh") == [pages.RUN, pages.TEST]
    assert page.index(pages.TEST) < page.index("\n## ")
    assert len(re.findall(r"!\[[^\]]+\]\([^)]+\)", page)) == 3
    assert f"`{pages.COPY}`" in page


@pytest.mark.parametrize("name", README)
def test_the_readme_links_to_every_page_of_docs(name):
    suffix = ".ko.md" if ".ko" in name else ".md"
    for page in DOCS:
        if page.endswith(".ko.md") == (suffix == ".ko.md"):
            assert f"]({page})" in PAGES[name], page


# The PGs that take real money in test mode: https://help.portone.io/content/test-mode-cancel
TAKES_MONEY = {
    "README.md": (
        "KG Inicis",
        "KG Mobilians",
        "NICE",
        "Hecto",
        "Smartro",
        "Danal",
        "Paymentwall",
    ),
    "README.ko.md": (
        *("KG이니시스", "KG모빌리언스", "나이스페이먼츠", "헥토파이낸셜"),
        *("스마트로", "다날", "페이먼트월"),
    ),
}


@pytest.mark.parametrize("name", README)
def test_the_readme_says_which_test_payments_take_money(name):
    text = " ".join(PAGES[name].split())
    assert all(pg in text for pg in TAKES_MONEY[name])
    assert "https://help.portone.io/content/test-mode-cancel" in PAGES[name]
