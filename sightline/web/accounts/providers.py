"""Signing in with a council's own provider (Microsoft Entra or any other) by OpenID Connect.

The authorization code flow with PKCE, as OpenID Connect Core 1.0 section 3.1 has it. Of an identity token everything is
checked each time: signature, issuer, audience, authorised party, times and nonce. Django-allauth's own client sends no
nonce and trusts a token it fetched itself without its signature, so this is ours; sessions and stages stay allauth's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
import tomllib
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode, urlsplit

import jwt

from sightline.vocabulary.errors import BadSetting, SightlineError

NAME = "sign-in.toml"
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
LEEWAY = 60  # seconds by which two clocks may differ
WAITS = 10  # seconds for an answer of the provider
UNDER_WAY = 600  # seconds within which somebody comes back
LARGEST = 1_000_000


class NotSignedIn(SightlineError):
    """The provider's answer is not one to let anybody in on."""

    exit_code = 6


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider of sign-in.

    `issuer` is exact: for Entra, of one tenant. `second_factor` are the values of `amr`, `levels` those of `acr`, that
    show a second factor was given there; with neither, ours is asked for. `emails_are_verified`: the provider gives
    only addresses it has verified itself, though it does not say so in each token.
    """

    key: str
    name: str
    issuer: str
    client_id: str
    client_secret: str
    second_factor: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    email_claims: tuple[str, ...] = ("email",)
    emails_are_verified: bool = False

    def __post_init__(self) -> None:
        if not self.key.isascii() or not self.key.replace("-", "").isalnum():
            raise BadSetting(f"{NAME}: the key of a provider is of letters, digits and hyphens.")
        for name in ("name", "issuer", "client_id", "client_secret"):
            if not getattr(self, name):
                raise BadSetting(f"{NAME}: the provider {self.key} has no {name}.")
        _secure(self.issuer, f"the issuer of {self.key}")

    def shows_second_factor(self, claims: Mapping[str, Any]) -> bool:
        given = claims.get("amr")
        ways = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        return bool(set(self.second_factor) & {str(w) for w in ways}) or claims.get("acr") in self.levels

    def email(self, claims: Mapping[str, Any]) -> str:
        """The address the provider vouches for, or empty text."""
        if not self.emails_are_verified and claims.get("email_verified") is not True:
            return ""
        found = (str(claims[name]) for name in self.email_claims if claims.get(name))
        return next(found, "").strip().lower()


def read(home: Path) -> tuple[Provider, ...]:
    """The providers of a home's `sign-in.toml`; none without the file. Raises BadSetting when it is not right.

    A secret is never written there: `client_secret_env` names the environment variable that holds it.
    """
    path = home / NAME
    if not path.is_file():
        return ()
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{NAME} is not TOML text: {error}.") from error
    if set(held) != {"provider"} or not isinstance(held["provider"], list):
        raise BadSetting(f"{NAME} holds tables named [[provider]] and nothing else.")
    found = tuple(_provider(dict(said)) for said in held["provider"])
    if len({p.key for p in found}) < len(found) or len({p.issuer for p in found}) < len(found):
        raise BadSetting(f"{NAME} names a provider twice.")
    return found


def _provider(said: dict[str, Any]) -> Provider:
    variable = said.pop("client_secret_env", "")
    known = {f.name for f in fields(Provider)}
    unknown = (set(said) - known) | ({"client_secret"} & set(said))
    if unknown:
        raise BadSetting(f"{NAME} has entries nobody reads: {', '.join(sorted(unknown))}.")
    secret = os.environ.get(variable, "") if variable else ""
    if not secret:
        raise BadSetting(f"{NAME}: client_secret_env must name an environment variable that holds the secret.")
    lists = {n: tuple(str(v) for v in said.pop(n)) for n in ("second_factor", "levels", "email_claims") if n in said}
    if not isinstance(said.get("emails_are_verified", False), bool):
        raise BadSetting(f"{NAME}: emails_are_verified is true or false.")
    texts = {n: str(said.pop(n)) for n in ("key", "name", "issuer", "client_id") if n in said}
    return Provider(**{"key": "", "name": "", "issuer": "", "client_id": "", **texts}, client_secret=secret,
                    **lists, **said)  # fmt: skip


def _secure(address: str, what: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}):
        raise BadSetting(f"{NAME}: {what} must begin with https://.")
    return address


@dataclass(frozen=True, slots=True)
class Journey:
    """What is remembered of somebody on the way to the provider, until they come back."""

    provider: str
    state: str
    nonce: str
    verifier: str
    begun: float

    @classmethod
    def new(cls, provider: Provider) -> Journey:
        return cls(provider.key, *(secrets.token_urlsafe(32) for _ in range(3)), time.time())


def address_of(provider: Provider, journey: Journey, callback: str) -> str:
    """Where to send somebody to sign in. Raises NotSignedIn when the provider does not answer as it should."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(journey.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": callback,
        "scope": "openid email profile",
        "state": journey.state,
        "nonce": journey.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    endpoint = _endpoint(discovered(provider), "authorization_endpoint")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def claims_of(provider: Provider, journey: Journey, answer: Mapping[str, str], callback: str) -> dict[str, Any]:
    """Who came back, from the provider's answer to the journey. Raises NotSignedIn."""
    if journey.provider != provider.key or time.time() - journey.begun > UNDER_WAY:
        raise NotSignedIn("The sign-in took too long, or began with another provider.")
    if not _equal(journey.state, answer.get("state", "")):
        raise NotSignedIn("The answer is not to the question that was asked.")
    if "error" in answer or not answer.get("code"):
        raise NotSignedIn("The provider did not sign the person in.")
    known = discovered(provider)
    sent = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": callback,
        "code_verifier": journey.verifier,
        "client_id": provider.client_id,
    }
    headers = {}
    if "client_secret_post" in known.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
        sent["client_secret"] = provider.client_secret
    else:
        both = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
    tokens = _asked(_endpoint(known, "token_endpoint"), urlencode(sent).encode(), headers)
    token = tokens.get("id_token")
    if not isinstance(token, str):
        raise NotSignedIn("The provider gave no identity token.")
    return verified(token, provider, journey.nonce, _asked(_endpoint(known, "jwks_uri")))


def verified(token: str, provider: Provider, nonce: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of an identity token that is the provider's, for us, in force, and an answer to this nonce.

    OpenID Connect Core 1.0, section 3.1.3.7. Raises NotSignedIn.
    """
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise NotSignedIn("The identity token is not signed in a way that is accepted.")
        fitting = [
            key
            for key in jwt.PyJWKSet.from_dict(dict(keys)).keys
            if key.public_key_use in (None, "sig") and header.get("kid") in (None, key.key_id)
        ]
        if len(fitting) != 1:
            raise NotSignedIn("The identity token names no key of the provider.")
        claims: dict[str, Any] = jwt.decode(
            token,
            fitting[0],
            algorithms=[header["alg"]],
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise NotSignedIn(f"The identity token was refused ({type(error).__name__}).") from error
    party = claims.get("azp")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (party is not None or several) and party != provider.client_id:
        raise NotSignedIn("The identity token was made for somebody else.")
    if not _equal(str(claims.get("nonce", "")), nonce):
        raise NotSignedIn("The identity token answers another question.")
    return claims


def _equal(one: str, other: str) -> bool:
    # As bytes: what somebody else sends may hold any letter, and texts are compared in ASCII alone.
    return hmac.compare_digest(one.encode(), other.encode())


def discovered(provider: Provider) -> dict[str, Any]:
    """What the provider says of itself (OpenID Connect Discovery 1.0). Raises NotSignedIn."""
    found = _asked(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != provider.issuer:
        raise NotSignedIn("The provider says that it is another issuer.")
    return found


def _endpoint(known: Mapping[str, Any], name: str) -> str:
    try:
        return _secure(str(known[name]), name)
    except (KeyError, BadSetting) as error:
        raise NotSignedIn(f"The provider names no safe {name}.") from error


def _asked(address: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(address, data=body, headers={"Accept": "application/json", **(headers or {})})  # noqa: S310 - checked by _secure
    try:
        with urllib.request.urlopen(request, timeout=WAITS) as answer:  # noqa: S310
            held = json.loads(answer.read(LARGEST))
    except (URLError, TimeoutError, ValueError, OSError) as error:
        raise NotSignedIn(f"The provider did not answer as it should ({type(error).__name__}).") from error
    if not isinstance(held, dict):
        raise NotSignedIn("The provider did not answer as it should.")
    return held
