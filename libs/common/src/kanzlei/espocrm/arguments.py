"""What both commands read from their command line."""

from __future__ import annotations

import argparse
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from synckit.runtime.settings import HttpAddress


def address(text: str) -> str:
    """As the services check theirs, and with a port that there is."""
    try:
        found = TypeAdapter(HttpAddress).validate_python(text)
        _ = urlsplit(found).port
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no address like https://crm.kanzlei.example") from None
    return str(found)
