"""Prints the installed packages that have missing files, one `name==version` a line; the venv's Python runs it.

If an installation was killed half-way, pip still believes that its packages are complete.
"""

from __future__ import annotations

from importlib import metadata


def is_whole(package: metadata.Distribution) -> bool:
    """Whether every file that the package lists is there; compiled files do not count."""
    if package.files is None:
        return False
    return all(file.suffix == ".pyc" or file.locate().exists() for file in package.files)


def main() -> None:
    """Prints these packages."""
    for package in metadata.distributions():
        if package.metadata["Name"] and not is_whole(package):
            print(f"{package.metadata['Name']}=={package.version}")


if __name__ == "__main__":
    main()
