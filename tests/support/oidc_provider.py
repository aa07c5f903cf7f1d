"""A provider of OpenID Connect on this machine: it takes whom a page chooses, and checks all else."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = ("ellimaps", "not much of a secret")


class Provider:
    """What it knows: its keys, the codes it gave out, and with what they were asked for."""

    def __init__(self, port):
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.signs_with = self.key
        self.asked = {}
        self.signed_in = 0

    def metadata(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def page(self, query):
        """Names to choose from; each leads back with a code."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT[0]
        assert query["code_challenge_method"] == "S256"
        assert query["nonce"]
        links = []
        for name in ("alice", "bob"):
            code = f"{name}-{len(self.asked)}"
            self.asked[code] = query | {"name": name}
            back = urlencode({"code": code, "state": query["state"]})
            links.append(f'<a href="{query["redirect_uri"]}?{back}">{name}</a>')
        return "<h1>Who are you?</h1>" + " ".join(links)

    def token(self, form, authorization):
        """A signed token for a code that was not used before, and for who asked for it."""
        user, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        assert (user, password.replace("+", " ")) == CLIENT
        asked = self.asked.pop(form["code"])
        assert form["redirect_uri"] == asked["redirect_uri"]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        self.signed_in += 1
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT[0],
            "sub": f"number of {asked['name']}",
            "name": asked["name"],
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 600,
            # Different at every sign-in, as much is in the tokens of real providers.
            "sid": str(self.signed_in),
        }
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with)
        return {"access_token": "unused", "token_type": "Bearer", "expires_in": 600, "id_token": signed}

    def secrets(self, workbench):
        """What the workbench's configuration says of this provider."""
        return f"""
            [auth]
            redirect_uri = "{workbench}/oauth2callback"
            cookie_secret = "{"0123456789abcdef" * 2}"
            client_id = "{CLIENT[0]}"
            client_secret = "{CLIENT[1]}"
            server_metadata_url = "{self.issuer}/.well-known/openid-configuration"
        """


@contextmanager
def provider():
    """A running provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            place = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(place.query).items()}
            if place.path == "/authorize":
                self.answer("text/html", running.page(query))
            elif place.path == "/keys":
                self.answer("application/json", json.dumps({"keys": [running.key.as_dict(private=False)]}))
            else:
                self.answer("application/json", json.dumps(running.metadata()))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer("application/json", json.dumps(running.token(form, self.headers["Authorization"])))

        def answer(self, kind, text):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Provider(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield running
        server.shutdown()
