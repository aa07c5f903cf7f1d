"""Where the workbench and the server listen."""

from __future__ import annotations

import ipaddress
import os
import socket

from ellimaps.core.errors import SettingError


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the port and does not listen yet, so that nobody waits for what is loaded.

    Parameters
    ----------
    host : str
        Name or address of this machine.
    port : int
        Port on it.

    Raises
    ------
    SettingError
        If the port is in use or the address is not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        place = socket.socket(family, kind, protocol)
        if os.name == "posix":
            # A port that was in use a minute ago is free; elsewhere this would share it.
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingError(
            f"Port {port} of {host} cannot be served on ({reason}): choose another with --port or --host."
        ) from error
    return place


def reaches_this_machine_only(place: socket.socket) -> bool:
    """Return whether what listens there is not to be reached from other machines."""
    return ipaddress.ip_address(place.getsockname()[0].partition("%")[0]).is_loopback


def address_here(place: socket.socket, host: str) -> str:
    """Return the address at which a browser on this machine finds what listens there."""
    number, port = place.getsockname()[:2]
    name = "localhost" if ipaddress.ip_address(number.partition("%")[0]).is_unspecified else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
