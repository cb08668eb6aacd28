"""Addresses of cameras, as people may see them."""

from __future__ import annotations

import re


def without_password(url: str) -> str:
    """A URL as it may be printed and logged: user and password removed."""
    return re.sub(r"(?<=://)[^/]*@", "", url)
