"""Names as numbers that stay the same while further names come, where there are many of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.core.arrow_columns import coded
from earshot.core.errors import TableError

Codes = NDArray[np.int32]


class ManyNames:
    """Names that are looked up a few times: Arrow finds them, no dictionary of Python holds them.

    Args:
        what: What they name, for errors.
        most: How many there may be.
        first: Names that have the first numbers.
    """

    def __init__(self, what: str, most: int, first: pa.Array | None = None) -> None:
        self._what, self._most = what, most
        self.listed = pa.array([], pa.string()) if first is None else first
        """Every name at the place of its number."""

    def __len__(self) -> int:
        """How many different names there are so far."""
        return len(self.listed)

    def codes(self, column: pa.ChunkedArray | pa.Array, *, missing: str | None = None) -> Codes:
        """Of each value its number; `missing` is the name of what is null.

        Raises:
            TableError: There are too many different names.
        """
        own, names = coded(column, missing=missing)
        places = pc.index_in(names, value_set=self.listed)
        if places.null_count:
            is_new = places.is_null()
            further = names.filter(is_new).dictionary_encode()
            places = pc.replace_with_mask(places, is_new, pc.add(further.indices, pa.scalar(len(self), pa.int32())))
            self.listed = pa.concat_arrays([self.listed, further.dictionary])
            check_names(len(self), self._most, self._what)
        found: Codes = places.to_numpy()[own]
        return found


def check_names(count: int, most: int, what: str) -> None:
    """Refuse more names than there may be.

    Raises:
        TableError: There are too many.
    """
    if count > most:
        raise TableError(
            f"There are more than {most:,} different values of {what}.",
            where="silver.listens",
            remedy="Map or quarantine what does not belong there.",
        )
