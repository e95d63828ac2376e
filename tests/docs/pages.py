"""The pages that people read, and the commands in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ("README.md", "README.ko.md")
DOCS = sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))
PAGES = {name: (ROOT / name).read_text() for name in (*README, *DOCS)}
NOT_SHARED = re.compile("[가-힣]|http://<")  # code that has words for the reader
# (page, the same page in Korean)
PAIRS = [(name, name.replace(".md", ".ko.md")) for name in PAGES if not name.endswith(".ko.md")]

RUN = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/flask run"
TEST = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt -r tests/requirements.txt"
    " && .venv/bin/pytest"
)
COPY = "cp .env.example .env"
PHONE = ".venv/bin/flask run --host 0.0.0.0"
INSTALL = '.venv/bin/pip install gunicorn "psycopg[binary]"'
SERVE = ".venv/bin/gunicorn --workers 4 --threads 4 --bind 127.0.0.1:8000 wsgi:app"
CHECK = ".venv/bin/python wsgi.py"
NGINX = "location / {\n    proxy_pass http://127.0.0.1:8000;\n}"
CRON = (
    "*/10 * * * * cd /srv/shop && PORTONE_SANDBOX=0 .venv/bin/flask reconcile >>reconcile.log 2>&1"
    " || tail reconcile.log"
)


def blocks(page, kind):
    """Returns the texts of a page's code blocks of that kind."""
    found = re.findall(rf"^ *```{kind}\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)
    return [block.strip() for block in found]


def without_blocks(page):
    return re.sub(r"^ *```.*?^ *```$", "", page, flags=re.DOTALL | re.MULTILINE)


def names(page):
    """Returns what a page names in `backquotes`: commands, files, settings, states."""
    text = re.sub(r"(?<!\n) *\n(?!\n) *", " ", without_blocks(page))  # a code may wrap
    codes = set(re.findall(r"`([^`\n]+)`", text))
    return {code for code in codes if re.search("[A-Za-z]", code) and not NOT_SHARED.search(code)}


def table(page, heading):
    """Returns the cells of the rows of the table below a heading, without its first two lines."""
    section = page.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
