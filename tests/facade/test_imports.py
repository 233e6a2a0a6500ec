from __future__ import annotations

import os
import subprocess
import sys

import pytest

import earshot
from earshot.core.locations import source_root


@pytest.mark.parametrize(
    "statement",
    ["import earshot", "import earshot.automation.pipeline", "import earshot.detectors", "import earshot.collectors"],
)
def test_importing_a_part_loads_neither_spark_nor_great_expectations(statement: str) -> None:
    program = f"""
import sys
{statement}
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(",".join(sorted(loaded & {{"pyspark", "great_expectations", "mlflow", "delta", "pandas"}})))
"""
    environment = {**os.environ, "PYTHONPATH": str(source_root())}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_the_four_names_are_what_the_package_offers() -> None:
    assert sorted(earshot.__all__) == [
        "EnterpriseDataValidator",
        "MusicDataProcessor",
        "MusicStreamingCacheManager",
        "PrometheusMetricsManager",
    ]
    assert set(earshot.__all__) <= set(dir(earshot))
    for name in earshot.__all__:
        assert getattr(earshot, name).__name__ == name


def test_another_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'MusicStreamer'"):
        _ = earshot.MusicStreamer  # type: ignore[attr-defined]
