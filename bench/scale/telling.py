"""The figures of a measurement, as its last line and, if wanted, as a file."""

import json
from pathlib import Path
from typing import Any


def tell(figures: dict[str, Any], file: str | None) -> None:
    """Print them as one JSON object, and write them to the file."""
    told = json.dumps(figures)
    print(told, flush=True)
    if file is not None:
        Path(file).write_text(told + "\n")
