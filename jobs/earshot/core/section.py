"""What every section of the settings is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Whole = Annotated[int, Field(ge=0)]
AboveZero = Annotated[float, Field(gt=0)]
Seconds = AboveZero
NotNegative = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65_535)]
ServerPort = Annotated[int, Field(gt=0, le=65_535)]


class Section(BaseModel):
    """A section of the settings: immutable, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
