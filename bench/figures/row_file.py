"""A CSV file that grows by a row whenever something is finished, and is carried on after an interruption."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path


class RowFile:
    """Rows with these columns; a row is known by its `key` columns. A last line that was cut off is dropped."""

    def __init__(self, path: Path, columns: Sequence[str], key: Sequence[str]) -> None:
        self.path, self.columns, self._key = path, tuple(columns), tuple(key)
        self.rows: list[dict[str, str]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text:
            self._take_over(text)
        else:
            path.write_text(self._line(self.columns), encoding="utf-8", newline="")

    def has(self, row: Mapping[str, object]) -> bool:
        """Whether a row with this key is there."""
        return self._key_of(row) in {self._key_of(known) for known in self.rows}

    def add(self, row: Mapping[str, object]) -> None:
        """Append a row, at once and whole; one that is there already, as after a retried task, is not added again."""
        if self.has(row):
            return
        values = ["" if row.get(column) is None else str(row[column]) for column in self.columns]
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(self._line(values))
        self.rows.append(dict(zip(self.columns, values, strict=True)))

    def fill(self, row: dict[str, str], values: Mapping[str, object]) -> None:
        """Set columns of one of the rows; the file is replaced at once."""
        row.update({column: str(value) for column, value in values.items()})
        half = self.path.with_suffix(".half")
        lines = [self._line(self.columns), *(self._line([each[c] for c in self.columns]) for each in self.rows)]
        half.write_text("".join(lines), encoding="utf-8", newline="")
        half.replace(self.path)

    def _take_over(self, text: str) -> None:
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self.path.write_text(whole, encoding="utf-8", newline="")
        reader = csv.DictReader(io.StringIO(whole))
        if tuple(reader.fieldnames or ()) != self.columns:
            raise ValueError(
                f"{self.path.name} has the columns {', '.join(reader.fieldnames or ())}, and {', '.join(self.columns)} "
                "were expected: it is of another version; move it away or name another --output."
            )
        self.rows = list(reader)

    def _key_of(self, row: Mapping[str, object]) -> tuple[str, ...]:
        return tuple(str(row[column]) for column in self._key)

    @staticmethod
    def _line(values: Sequence[str]) -> str:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerow([value.replace("\n", " ") for value in values])
        return buffer.getvalue()
