"""The pages that show the code of a step: which files, which lines, and nothing else."""

import html
import re

import pytest

from merchant.panel import source
from merchant.panel.code_page import READING_PATH, sources
from merchant.panel.steps import STEPS
from tests.visitor import ROOT


def code_of(page):
    """Returns the lines that a page shows, and the numbers of the marked ones."""
    shown = re.search(r"<pre.*?>(.*)</pre>", page, re.DOTALL).group(1)
    found = re.findall(
        r'<span class="line([^"]*)"[^>]*data-line="(\d+)">(.*?)\n</span>', shown, re.DOTALL
    )
    lines = [html.unescape(re.sub("<[^>]+>", "", line)) for *_, line in found]
    assert [int(number) for _, number, _ in found] == list(range(1, len(found) + 1))
    return lines, [int(number) for names, number, _ in found if "marked" in names.split()]


@pytest.mark.parametrize("file", sorted(sources()))
def test_a_page_shows_the_file_as_it_is(shop, file):
    answer = shop.client.get(f"/panel/code/{file}")
    assert answer.status_code == 200
    lines, marked = code_of(answer.text)
    assert lines == (ROOT / file).read_text().splitlines() and not marked


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_the_function_of_a_step_is_marked(shop, step):
    page = shop.client.get(f"/panel/code/merchant/{step.file}?function={step.function}").text
    lines, marked = code_of(page)
    name = step.function.rpartition(".")[2]
    assert marked == list(range(marked[0], marked[-1] + 1))
    assert any(f"def {name}(" in lines[number - 1] for number in marked[:3])
    assert len([n for n in marked if re.match(r"\s*def ", lines[n - 1])]) >= 1
    assert page.count('id="marked"') == 1
    following = lines[marked[-1] : marked[-1] + 1]
    assert not following or not following[0].strip()


@pytest.mark.parametrize("name", ["createPayment", "openWindow", "complete"])
def test_the_functions_of_checkout_js_are_found(shop, name):
    page = shop.client.get(f"/panel/code/static/merchant/checkout.js?function={name}").text
    lines, marked = code_of(page)
    assert lines[marked[0] - 1].startswith(f"async function {name}(")
    assert lines[marked[-1] - 1] == "}"


def test_the_line_that_compares_the_amount_is_marked(shop):
    query = "function=compare&check=AMOUNT&lang=en"
    page = shop.client.get(f"/panel/code/merchant/verification.py?{query}").text
    [(line, number)] = re.findall(r'line marked decides" id="marked" data-line="((\d+))"', page)
    assert f"Line {number} compares AMOUNT" in page
    assert 'Check("AMOUNT", payment.amount' in code_of(page)[0][int(line) - 1]
    assert "Returns every comparison of the terms." in page.partition("<pre")[0]


def test_an_unknown_function_or_check_marks_nothing(shop):
    for query in ("function=nothing", "function=A.b.c", "check=AMOUNT", "function=%00"):
        answer = shop.client.get(f"/panel/code/merchant/verification.py?{query}")
        assert answer.status_code == 200 and code_of(answer.text)[1] == []
    page = shop.client.get("/panel/code/merchant/verification.py?function=verify&check=A%22B")
    assert page.status_code == 200 and "decides" not in page.text


def test_one_file_leads_to_the_next(shop):
    files = list(READING_PATH)
    for file, following in zip(files, files[1:], strict=False):
        page = shop.client.get(f"/panel/code/{file}").text
        assert f'<a class="primary" href="/panel/code/{following}">' in page
        assert [*re.findall(r'href="/panel/code/([^"]+)"[^>]*><b>\d</b>', page)] == files
    last = shop.client.get(f"/panel/code/{files[-1]}").text
    assert 'class="primary"' not in last


# What is not shown


@pytest.mark.parametrize(
    "path",
    [
        "merchant/../wsgi.py",
        "merchant/%2e%2e/wsgi.py",
        "merchant/..%2fwsgi.py",
        "static/merchant/../../wsgi.py",
        "../.env",
        "/etc/passwd",
        "//etc/passwd",
        "merchant//etc/passwd",
        "wsgi.py",
        ".env",
        "merchant/.env",
        "merchant",
        "merchant/",
        "merchant/pages",
        "merchant/nothing.py",
        "merchant/__pycache__/views.cpython-311.pyc",
        "static/merchant/style.css",
        "templates/merchant/order.html",
        "portone_sandbox/store.py",
        "merchant/views.py%00",
        "merchant\\views.py",
        "",
    ],
)
def test_no_other_file_is_shown(shop, path):
    answer = shop.client.get(f"/panel/code/{path}", follow_redirects=True)
    assert answer.status_code == 404
    assert "SECRET" not in answer.text and "root:" not in answer.text


def test_links_and_hidden_files_are_not_shown(shop, tmp_path, monkeypatch):
    folder = tmp_path / "merchant"
    (folder / "inner").mkdir(parents=True)
    outside = tmp_path / "secret.py"
    outside.write_text("SECRET = 1")
    (folder / "good.py").write_text("X = 1")
    (folder / ".hidden.py").write_text("SECRET = 1")
    (folder / "link.py").symlink_to(outside)
    (folder / "inner" / "up").symlink_to(tmp_path)
    monkeypatch.setattr("merchant.panel.code_page.bp.root_path", str(folder))
    assert [name for name in sources() if name.startswith("merchant/")] == ["merchant/good.py"]
    assert shop.client.get("/panel/code/merchant/good.py").status_code == 200
    for name in ("link.py", ".hidden.py", "inner/up/secret.py", "inner/up/merchant/good.py"):
        assert shop.client.get(f"/panel/code/merchant/{name}").status_code == 404


def test_without_the_panel_there_is_no_such_page(make_shop):
    shop = make_shop(PAYMENT_PANEL="")
    assert shop.client.get("/panel/code/merchant/views.py").status_code == 404


def test_it_is_only_read(shop):
    for method in ("post", "put", "delete", "patch"):
        answer = getattr(shop.client, method)("/panel/code/merchant/views.py")
        assert answer.status_code == 405


def test_no_one_keeps_or_lists_the_page(shop):
    answer = shop.client.get("/panel/code/merchant/views.py")
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Cache-Control"] == "no-store"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", answer.text.partition("<pre")[0])


# Reading sources


def test_the_parts_of_a_line_are_the_line():
    text = '\n\ndef f(x):  # why\n    """Two\n    lines"""\n    return f"a{x}" + "나"\n'
    lines = source.lines_of(text, is_python=True)
    assert ["".join(part.text for part in line) for line in lines] == text.splitlines()
    assert [part.text for part in lines[2] if part.kind == "keyword"] == ["def"]
    assert [part.text for part in lines[2] if part.kind == "comment"] == ["# why"]
    assert [part.kind for part in lines[4] if part.text.strip()] == ["string"]
    script = 'const a = "//no"; // yes\nfunction f() {\n  return `b`;\n}'
    lines = source.lines_of(script, is_python=False)
    assert ["".join(part.text for part in line) for line in lines] == script.splitlines()
    assert [part.text for part in lines[0] if part.kind == "comment"] == ["// yes"]


def test_a_file_that_is_just_being_edited_is_shown_without_marks():
    broken = "def f(:\n  '''\n"
    assert source.find_function(broken, True, "f") is None
    lines = source.lines_of(broken, is_python=True)
    assert ["".join(part.text for part in line) for line in lines] == broken.splitlines()
    assert source.about_file(broken, True) == "" and source.lines_of("", True) == []
