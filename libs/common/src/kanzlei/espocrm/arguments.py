"""What both commands read from their command line."""

from __future__ import annotations

import argparse

from synckit.connection_url import check_address, shown


def address(text: str) -> str:
    """As the services check theirs."""
    try:
        check_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no address like https://crm.kanzlei.example") from None
    return text.rstrip("/")
