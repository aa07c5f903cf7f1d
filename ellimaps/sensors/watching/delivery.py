"""One crossing to its target, by a process of its own.

That process outlives a killed watch and writes down what became of its delivery. The next watch waits for it,
so killing the watch neither loses nor repeats one. If it is killed itself between the target's answer and
its line, nobody can know: it is sent again, with the same key, by which a target can tell.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ellimaps.core.errors import SettingError
from ellimaps.sensors.watching.journal import Journal

TARGET_VARIABLE = "ELLIMAPS_NOTIFY"
SMTP_VARIABLE = "ELLIMAPS_SMTP"
_TOLD = ("key", "kind", "region", "source_id", "sensor_name", "start", "end", "sentence")
# Half of the minute within which a crossing is told.
_TIMEOUT_S = 30.0
_MAIL = re.compile(r"[^@\s,?]+@[^@\s,?]+")


class Refused(Exception):
    """The target did not take it."""


def check_target(target: str) -> None:
    """Refuse what can be no target.

    Raises
    ------
    SettingError
        If it is none, or mail is asked for and the server is not named.
    """
    if target.startswith(("http://", "https://")):
        if not urlsplit(target).hostname:
            raise SettingError(f"--notify {_shown(target)} names no host: write https://host/path.")
    elif target.startswith("mailto:"):
        if not _MAIL.fullmatch(_address(target)):
            raise SettingError(f"--notify {target:.80} is no address: write mailto:name@example.org.")
        if not os.environ.get(SMTP_VARIABLE):
            raise SettingError(
                f"To send mail, {SMTP_VARIABLE} must name the server, as mail.example.org:587."
            )
    elif not _words(target):
        raise SettingError("--notify needs a URL, mailto:ADDRESS or a command.")


def deliver(folder: Path, key: str, target: str) -> bool:
    """Send a crossing of a journal in a process that outlives this one; return whether it has been sent."""
    command = [sys.executable, "-m", "ellimaps.sensors.watching.delivery", str(folder.resolve()), key]
    subprocess.run(
        command,
        env=os.environ | {TARGET_VARIABLE: target},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )
    return any(line["what"] == "sent" for line in Journal(folder).of_key(key))


def send(target: str, crossing: Mapping[str, Any]) -> str:
    """Give a crossing to its target and return what that answered.

    Raises
    ------
    Refused
        If it did not take it.
    """
    if target.startswith(("http://", "https://")):
        return _post(target, crossing)
    if target.startswith("mailto:"):
        return _mail(_address(target), crossing)
    return _run(target, crossing)


def _post(url: str, crossing: Mapping[str, Any]) -> str:
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(crossing["key"])}
    request = Request(url, json.dumps(crossing).encode(), headers, method="POST")
    try:
        with build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_S) as answer:
            return str(answer.status)
    except HTTPError as error:
        raise Refused(f"answered {error.code}") from error
    except (URLError, OSError, ValueError) as error:
        raise Refused(f"cannot be reached ({getattr(error, 'reason', error)})") from error


class _NoRedirect(HTTPRedirectHandler):
    """Do not follow: a redirected POST becomes a GET, which tells nothing."""

    def redirect_request(self, *_: Any) -> None:
        """Return no other request."""


def _mail(address: str, crossing: Mapping[str, Any]) -> str:
    import smtplib

    server = os.environ[SMTP_VARIABLE]
    host, _, port = server.partition(":")
    user, password = (os.environ.get(f"{SMTP_VARIABLE}_{name}", "") for name in ("USER", "PASSWORD"))
    message = EmailMessage()
    message["To"] = address
    message["From"] = user if "@" in user else f"ellimaps@{host}"
    message["Subject"] = f"ellimaps: {crossing['sensor_name']} {crossing['kind']}"
    # The same for the same crossing, by which mail programs know a second copy.
    message["Message-ID"] = f"<{crossing['key']}@ellimaps>"
    message.set_content(f"{crossing['sentence']}\n")
    try:
        connect = smtplib.SMTP_SSL if port == "465" else smtplib.SMTP
        with connect(host, int(port or 25), timeout=_TIMEOUT_S) as smtp:
            smtp.ehlo()
            if smtp.has_extn("starttls"):
                smtp.starttls()
            if password:
                smtp.login(user, password)
            smtp.send_message(message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Refused(f"mail server: {error}") from error
    return "accepted by the mail server"


def _run(command: str, crossing: Mapping[str, Any]) -> str:
    try:
        done = subprocess.run(
            _words(command),
            input=json.dumps(crossing).encode(),
            env=os.environ | {f"ELLIMAPS_{name.upper()}": str(crossing[name]) for name in _TOLD},
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(str(error)) from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise Refused(f"exit code {done.returncode} {said:.200}".rstrip())
    return "exit code 0"


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise SettingError(f"--notify {command:.80} is no command: {error}.") from error


def _address(target: str) -> str:
    return unquote(target.removeprefix("mailto:").partition("?")[0])


def _shown(url: str) -> str:
    """Return a URL without what may be a secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"


def _deliver_here(folder: Path, key: str, target: str) -> None:
    journal = Journal(folder)
    with journal.sending():
        lines = journal.of_key(key)
        # A process of a watch that was killed may have been faster.
        if any(line["what"] == "sent" for line in lines):
            return
        [found] = [line for line in lines if line["what"] == "found"][:1]
        journal.write("sending", key)
        try:
            answer = send(target, {name: found[name] for name in _TOLD})
        except Refused as error:
            journal.write("failed", key, answer=str(error))
        else:
            journal.write("sent", key, answer=answer)


if __name__ == "__main__":
    _deliver_here(Path(sys.argv[1]), sys.argv[2], os.environ.pop(TARGET_VARIABLE))
