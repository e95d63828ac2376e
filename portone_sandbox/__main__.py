"""`python -m portone_sandbox` is the command `portone-sandbox`."""

from .cli import main

main(prog_name="portone-sandbox")
