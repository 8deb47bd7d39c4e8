"""A provider of sign-in on this machine: OpenID Connect over real HTTP, with signed tokens, and every way to be wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "sightline", "a secret & more, of thirty-two letters"


class Issuer:
    """What the provider knows, and how its next token differs from a right one (`claims`, `header`, `key`, `says`)."""

    def __init__(self) -> None:
        self.key, self.other_key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
        self.person: dict[str, Any] = {"sub": "subject-1", "email": "new@sightline.example", "email_verified": True}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.signs_with: Any = self.key
        self.algorithm = "RS256"
        self.says: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.heard: list[str] = []
        self.address = ""

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.says,
        }

    def keys(self) -> dict[str, Any]:
        held = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**held, "kid": "one", "use": "sig", "alg": "RS256"}]}

    def token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.person,
            **self.claims,
        }  # fmt: skip
        claims = {k: v for k, v in claims.items() if v is not None}
        key = None if self.algorithm == "none" else SECRET if self.algorithm == "HS256" else self.signs_with
        return jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": "one", **self.header})


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            self._json(self.issuer.discovery())
        elif parts.path == "/keys":
            self._json(self.issuer.keys())
        elif parts.path == "/authorize":
            asked = dict(parse_qsl(parts.query))
            assert asked["code_challenge_method"] == "S256"
            assert asked["client_id"] == CLIENT
            code = f"code-{len(self.issuer.codes)}"
            self.issuer.codes[code] = asked
            self.send_response(302)
            self.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        import base64
        import hashlib

        sent = {k: v[0] for k, v in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        asked = self.issuer.codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        basic = base64.b64encode(f"{CLIENT}:a%20secret%20%26%20more%2C%20of%20thirty-two%20letters".encode()).decode()
        right = (
            asked is not None
            and challenge == asked["code_challenge"]
            and sent["redirect_uri"] == asked["redirect_uri"]
            and self.headers["Authorization"] == f"Basic {basic}"
        )
        self.issuer.heard.append("right" if right else "wrong")
        if not right or asked is None:
            self.send_error(400)
            return
        self._json({"access_token": "x", "token_type": "Bearer", "id_token": self.issuer.token(asked)})

    def _json(self, held: dict[str, Any]) -> None:
        body = json.dumps(held).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def served() -> Iterator[Issuer]:
    issuer = Issuer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"issuer": issuer}))
    server.daemon_threads = True
    issuer.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
