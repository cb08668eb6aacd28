"""What the options of `fmnist-edge serve` ask for: an address, a token, a certificate."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import console
from edge.cli.serve_options import SERVE_NEEDS
from edge.errors import BadOption

if TYPE_CHECKING:
    from edge.cli.classify_options import ModelOptions
    from edge.cli.options import BackendOptions
    from edge.cli.serve_options import ServeOptions
    from edge.serve.open_page import PageSettings


def check_page(page: ServeOptions) -> None:
    """Raise BadOption for options that contradict each other, MissingExtra without the server."""
    if page.no_token and (page.token_file is not None or page.new_token):
        raise BadOption("--no-token with --token-file or --new-token", "leave one of them out")
    if (page.tls_cert is None) != (page.tls_key is None):
        raise BadOption("--tls-cert and --tls-key belong together", "--tls-cert FILE --tls-key FILE")
    console.require_extra("serve", SERVE_NEEDS)


def page_settings(page: ServeOptions, of_model: ModelOptions, on: BackendOptions, keep: Path | None) -> PageSettings:
    """What to serve. Makes a token where one is needed and there is none. Raises BadOption or OutputFailed."""
    from importlib.metadata import version

    from edge.serve.open_page import PageSettings
    from edge.serve.picture_worker import WorkerModel
    from edge.serve.web.web_server import Certificate

    certificate = None
    if page.tls_cert is not None and page.tls_key is not None:
        certificate = Certificate(page.tls_cert, page.tls_key)
    worker = WorkerModel(
        model=of_model.model,
        sha256="",
        labels=None if of_model.plain.labels is None else str(of_model.plain.labels),
        framing=of_model.plain.framing,
        pixels=of_model.plain.pixels,
        cpu_model=None if on.cpu_model is None else str(on.cpu_model),
        views=of_model.views,
        min_score=of_model.min_score,
        trusted_keys=None if on.trusted_keys is None else str(on.trusted_keys),
        trust_bundled=on.trust_bundled,
    )
    return PageSettings(
        host=page.host.strip("[]"),
        port=page.port,
        token=_token(page),
        hosts=tuple(page.host_name or ()),
        certificate=certificate,
        keep=keep,
        worker=worker,
        version=version("fmnist-edge"),
    )


def _token(page: ServeOptions) -> str | None:
    """The token, if one is asked for: always at an address that others reach. A new one is shown on stderr."""
    from edge.service.state_folder import state_folder
    from edge.service.token_file import make_token, read_token

    wanted = page.token_file is not None or page.new_token
    if page.no_token or (_is_loopback(page.host) and not wanted):
        return None
    path = page.token_file or state_folder("--token-file FILE") / "token"
    if path.exists() and not page.new_token:
        return read_token(path)
    token = make_token(path)
    console.note(f"token: {token}")
    console.note(f"hint: it is shown this once, and is in {path}; the page asks for it")
    return token


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
