"""Countries by their English names: those of the tz database's iso3166.tab, and names that ISO and others use."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_ALSO = {
    "bolivia, plurinational state of": "BO",
    "bosnia and herzegovina": "BA",
    "brunei darussalam": "BN",
    "cape verde": "CV",
    "congo, the democratic republic of the": "CD",
    "cote d'ivoire": "CI",
    "czech republic": "CZ",
    "great britain": "GB",
    "iran, islamic republic of": "IR",
    "korea, democratic people's republic of": "KP",
    "korea, republic of": "KR",
    "lao people's democratic republic": "LA",
    "libyan arab jamahiriya": "LY",
    "macedonia": "MK",
    "macedonia, the former yugoslav republic of": "MK",
    "moldova, republic of": "MD",
    "netherlands antilles": "CW",
    "palestinian territory, occupied": "PS",
    "republic of korea": "KR",
    "russian federation": "RU",
    "syrian arab republic": "SY",
    "taiwan, province of china": "TW",
    "tanzania, united republic of": "TZ",
    "trinidad and tobago": "TT",
    "turkey": "TR",
    "united kingdom": "GB",
    "united states of america": "US",
    "usa": "US",
    "venezuela, bolivarian republic of": "VE",
    "viet nam": "VN",
}


def country_named(name: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country; None where no country is called so."""
    return _codes().get(" ".join(name.lower().split()))


@cache
def _codes() -> dict[str, str]:
    table = (files("tzdata.zoneinfo") / "iso3166.tab").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    named = {name.lower(): code for code, name in lines}
    spelt = {name.replace(" & ", " and "): code for name, code in named.items()}
    return named | spelt | _ALSO
