"""Suspect listens against the truth about streams."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

LISTEN_COLUMNS: Final = ("listener_id", "track_id", "listen_date", "source_file", "source_line")
_FLAGGED: Final = ("suspect", "confirmed")
_PLACE: Final = ["source_file", "source_line"]


def compare(truth: pa.Table, listens: pa.Table, suspects: pa.Table) -> dict[str, Any]:
    """Precision and recall by stream.

    Args:
        truth: source_file, source_line, label (organic or manipulated), kind, ring.
        listens: `LISTEN_COLUMNS` of silver.listens.
        suspects: gold.suspect_listens.

    Returns:
        Figures, and for each kind of stream how many there are and how many are flagged.
    """
    flags = flagged(listens, suspects)
    known = truth.select([*_PLACE, "label", "kind"]).join(
        listens.select(_PLACE).append_column("flagged", flags), keys=_PLACE, join_type="inner"
    )
    manipulated = pc.equal(known["label"], "manipulated")
    caught = pc.and_(manipulated, known["flagged"])
    streams, wanted, marked, right = (
        known.num_rows,
        pc.sum(manipulated).as_py() or 0,
        pc.sum(known["flagged"]).as_py() or 0,
        pc.sum(caught).as_py() or 0,
    )
    by_kind = known.append_column("is_flagged", known["flagged"].cast(pa.int64())).group_by(["label", "kind"])
    counted = by_kind.aggregate([("is_flagged", "sum"), ("is_flagged", "count")]).sort_by(
        [("label", "ascending"), ("kind", "ascending")]
    )
    return {
        "streams": streams,
        "manipulated": wanted,
        "flagged": marked,
        "precision": right / marked if marked else 1.0,
        "recall": right / wanted if wanted else 1.0,
        "by_kind": [
            {
                "label": row["label"],
                "kind": row["kind"] or "",
                "streams": row["is_flagged_count"],
                "flagged": row["is_flagged_sum"],
                "share": row["is_flagged_sum"] / row["is_flagged_count"],
            }
            for row in counted.to_pylist()
        ],
    }


def flagged(listens: pa.Table, suspects: pa.Table) -> pa.Array:
    """Of each listen, whether its (listener, track or null, day) has the verdict suspect or confirmed."""
    verdicts = suspects.filter(pc.is_in(suspects["verdict"], pa.array(_FLAGGED)))
    whole = verdicts.filter(pc.is_null(verdicts["track_id"]))
    single = verdicts.filter(pc.is_valid(verdicts["track_id"]))
    return pc.or_(
        pc.is_in(_key(listens, ("listener_id", "listen_date")), _key(whole, ("listener_id", "listen_date"))),
        pc.is_in(
            _key(listens, ("listener_id", "listen_date", "track_id")),
            _key(single, ("listener_id", "listen_date", "track_id")),
        ),
    )


def _key(table: pa.Table, columns: tuple[str, ...]) -> pa.Array:
    parts = [pc.cast(table[name], pa.string()).combine_chunks() for name in columns]
    return pc.binary_join_element_wise(*parts, "\x1f") if table.num_rows else pa.array([], pa.string())
