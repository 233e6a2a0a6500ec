"""What a week was made of: shares of eras and genres, and what moved in it; from the week's charts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pandas as pd

from earshot.analytics.audience.movements import BASELINE_WEEKS, movements
from earshot.core import columns as c
from earshot.core.measures import ALL

ERA, GENRE = "era_share", "genre_share"
MOVED: Final = {"track": "track_trend", "artist": "artist_trend"}
WEEK: Final = "week"


def shares(charts: pd.DataFrame, tracks: pd.DataFrame, weeks: Collection[int]) -> pd.DataFrame:
    """Shares of the counted streams by decade of release and by genre, of those whose track tells.

    A stream of a track with several genres counts for each of them with an equal part, so that shares add up to one.

    Args:
        charts: week (days since 1970), country, entity, entity_id, streams; suspects left out.
        tracks: track_id, released_on (year; nan where it is not known), genres (list or None).
        weeks: Which weeks.

    Returns:
        week, country, metric, slice, value, volume (streams that tell).
    """
    of_tracks = charts[(charts[c.ENTITY] == "track") & charts[WEEK].isin(list(weeks))]
    known = of_tracks.merge(tracks, left_on=c.ENTITY_ID, right_on=c.TRACK_ID)
    known = known.sort_values([WEEK, c.COUNTRY, c.ENTITY_ID], kind="stable")
    dated = known[known[c.RELEASED_ON].notna()]
    decade = (dated[c.RELEASED_ON] // 10 * 10).astype(np.int64).astype(str) + "s"
    genres = known[c.GENRES].map(lambda names: 0 if names is None else len(names)).astype(np.int64)
    told = known[genres > 0]
    split = told.assign(weight=told[c.STREAMS] / genres[genres > 0]).explode(c.GENRES)
    eras = dated.assign(slice=decade, weight=dated[c.STREAMS].astype(np.float64))
    parts = [_shares(eras, dated, ERA), _shares(split.rename(columns={c.GENRES: c.SLICE}), told, GENRE)]
    return pd.concat(parts, ignore_index=True)


def trends(charts: pd.DataFrame, weeks: Collection[int], *, minimum: float) -> pd.DataFrame:
    """Tracks and artists of a week, in all countries, against the weeks before; see `movements`.

    Args:
        charts: As of `shares`, of the weeks and of the `BASELINE_WEEKS` before each.
        weeks: Which weeks.
        minimum: Mean streams a week from which an entity is tested.

    Returns:
        week, country, metric, slice, value (seen by expected), volume (streams of the week), q_value.
    """
    parts = [_empty_trends()]
    for kind, metric in MOVED.items():
        rows = charts[(charts[c.ENTITY] == kind) & (charts[c.COUNTRY] == ALL)]
        wide = rows.pivot(index=c.ENTITY_ID, columns=WEEK, values=c.STREAMS).fillna(0.0).sort_index()
        for week in sorted(set(weeks) & set(wide.columns)):
            columns = [week - 7 * back for back in range(BASELINE_WEEKS, 0, -1)]
            seen = wide.reindex(columns=[*columns, week], fill_value=0.0).to_numpy(np.float64)
            found = movements(seen[:, -1], seen[:, :-1], seen[:, :-1].sum(0), minimum=minimum)
            if found is not None and len(found.tested):
                parts.append(
                    pd.DataFrame({
                        WEEK: week, c.COUNTRY: ALL, c.METRIC: metric, c.SLICE: wide.index[found.tested],
                        c.VALUE: found.ratio, c.VOLUME: seen[found.tested, -1].astype(np.int64), c.Q_VALUE: found.q,
                    })
                )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _shares(weighed: pd.DataFrame, told: pd.DataFrame, metric: str) -> pd.DataFrame:
    whole = told.groupby([WEEK, c.COUNTRY])[c.STREAMS].sum()
    part = weighed.groupby([WEEK, c.COUNTRY, c.SLICE])["weight"].sum().reset_index()
    rows = part.join(whole.rename(c.VOLUME), on=[WEEK, c.COUNTRY])
    rows[c.VALUE] = rows["weight"] / rows[c.VOLUME]
    return rows.drop(columns="weight").assign(**{c.METRIC: metric})


def _empty_trends() -> pd.DataFrame:
    text, whole, real = pd.Series(dtype=object), pd.Series(dtype=np.int64), pd.Series(dtype=np.float64)
    return pd.DataFrame({
        WEEK: whole, c.COUNTRY: text, c.METRIC: text, c.SLICE: text, c.VALUE: real, c.VOLUME: whole, c.Q_VALUE: real,
    })  # fmt: skip
