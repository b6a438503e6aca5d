"""Prints the installed packages of which files are missing, one `name==version` a line; run by the venv's Python.

An installation that was killed half-way leaves packages that pip takes for complete.
"""

from __future__ import annotations

from importlib import metadata


def is_whole(package: metadata.Distribution) -> bool:
    """Whether every file that the package lists is there; compiled files come and go."""
    if package.files is None:
        return False
    return all(file.suffix == ".pyc" or file.locate().exists() for file in package.files)


def main() -> None:
    """Prints them."""
    for package in metadata.distributions():
        if package.metadata["Name"] and not is_whole(package):
            print(f"{package.metadata['Name']}=={package.version}")


if __name__ == "__main__":
    main()
