"""Where the sandbox's file is when no setting says so."""

import os
import sys
from pathlib import Path

FILE = "sandbox.db"


def default_database(package: Path = Path(__file__).parent) -> Path:
    """The path of the SQLite file: in the `instance` folder of this repository, or, when the
    package is installed, in the user's folder for data. Updating a package replaces its folder.

    package: the folder of the package.
    """
    if (package.parent / "pyproject.toml").exists():
        return package.parent / "instance" / FILE
    return _user_data_folder() / "portone-sandbox" / FILE


def _user_data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    folder = Path(os.environ.get("XDG_DATA_HOME") or "")
    # The XDG specification: a relative path is to be ignored.
    return folder if folder.is_absolute() else Path.home() / ".local" / "share"
