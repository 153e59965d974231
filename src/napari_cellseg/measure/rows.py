"""Rows that come frame by frame, kept in little memory."""

from __future__ import annotations

import pandas as pd

_AT_ONCE = 256


class Rows:
    """Collects small tables of the same columns.

    A table of a few rows takes kilobytes beside its numbers, which is more than they do themselves: of a long
    movie many hundred megabytes. So they are joined a few hundred at a time.
    """

    def __init__(self) -> None:
        self._joined: list[pd.DataFrame] = []
        self._few: list[pd.DataFrame] = []

    def add(self, table: pd.DataFrame) -> None:
        """Take more rows.

        Parameters
        ----------
        table : pandas.DataFrame
            The rows, with the same columns each time; perhaps none.
        """
        self._few.append(table)
        if len(self._few) == _AT_ONCE:
            self._join()

    def table(self) -> pd.DataFrame | None:
        """Join all rows.

        Returns
        -------
        pandas.DataFrame or None
            In the order in which they came, numbered from 0; None when no table was added.
        """
        if self._few:
            self._join()
        return pd.concat(self._joined, ignore_index=True) if self._joined else None

    def _join(self) -> None:
        self._joined.append(pd.concat(self._few, ignore_index=True))
        self._few = []
