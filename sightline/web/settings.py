"""Django's settings, from the environment and the home. There is no settings file to edit and no debug mode.

SIGHTLINE_HOME            the folder of the authority (default sightline-data)
SIGHTLINE_DATABASE_URL    postgresql://user:password@host:port/name (default: SQLite in the home)
SIGHTLINE_HOSTS           the names the service answers to, separated by commas
SIGHTLINE_BEHIND_PROXY    1 when a proxy that ends TLS sets X-Forwarded-Proto and X-Forwarded-For
SIGHTLINE_DEMONSTRATION   1 for the demonstration on invented data: 127.0.0.1 only, plain http, no second factor
SIGHTLINE_NAME            the name at the top of each page (default Sightline)
SIGHTLINE_BRAND_COLOUR    the council's colour, #rrggbb, dark enough for white text
SIGHTLINE_MAIL_URL        smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465 (default: no mail)
SIGHTLINE_MAIL_FROM       the address that mail comes from, needed with the former
SIGHTLINE_BREACHED_PASSWORDS  a list of leaked passwords: a file of SHA-1 hashes in order, or a folder of ranges
SIGHTLINE_PASSWORD_WORDS  words of the council, separated by commas, that no password may be made of
SIGHTLINE_UPLOAD_SCANNER  a command, such as "clamdscan --no-summary --fdpass", that scans each uploaded file first
SIGHTLINE_AUDIT_LINES     1 to write a line of JSON (ids only) to the log for each entry of the access and security logs
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_htmx

from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings
from sightline.web import assets, keys
from sightline.web.accounts import passwords, providers
from sightline.web.colour import BRAND, checked_brand
from sightline.web.work import scanning


def _on(name: str) -> bool:
    said = os.environ.get(name, "").strip().lower()
    if said not in {"", "0", "1", "no", "yes"}:
        raise BadSetting(f"{name} must be 1 or 0.")
    return said in {"1", "yes"}


def _database(home: Path, url: str) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": home / "application.sqlite3",
            "OPTIONS": {
                # A transaction that reads and then writes must hold the lock from its start, or two of them collide.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # What is deleted is written over with noughts: a child who is removed leaves no bytes in free pages.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; "
                "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise BadSetting("SIGHTLINE_DATABASE_URL must read postgresql://user:password@host:port/name.")
    if find_spec("psycopg") is None:
        raise BadSetting("SIGHTLINE_DATABASE_URL names PostgreSQL, which needs the extra 'postgres' installed.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _mail(url: str, sender: str) -> dict[str, Any]:
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend", "SIGHTLINE_MAIL": False}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or "@" not in sender:
        raise BadSetting(
            "SIGHTLINE_MAIL_URL must read smtp://user:password@host:port or smtps://..., with the sender's address in "
            "SIGHTLINE_MAIL_FROM."
        )
    within = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if within else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        # Never in clear, but to a mail server on this machine.
        "EMAIL_USE_SSL": within,
        "EMAIL_USE_TLS": not within and parts.hostname not in {"localhost", "127.0.0.1"},
        "DEFAULT_FROM_EMAIL": sender,
        "SIGHTLINE_MAIL": True,
    }


def _own_words(name: str, hosts: list[str], added: str) -> list[str]:
    """The words everybody here would try: of the service's name, of its address, and those the authority adds."""
    return [w for w in re.split(r"[^\w]+", " ".join(["Sightline", "virtual school", name, *hosts, added])) if w]


SIGHTLINE_HOME = Path(os.environ.get("SIGHTLINE_HOME") or "sightline-data")
SIGHTLINE_DEMONSTRATION = _on("SIGHTLINE_DEMONSTRATION")
SIGHTLINE_BEHIND_PROXY = _on("SIGHTLINE_BEHIND_PROXY")
SIGHTLINE_NAME = os.environ.get("SIGHTLINE_NAME", "").strip() or "Sightline"
SIGHTLINE_BRAND_COLOUR = checked_brand(os.environ.get("SIGHTLINE_BRAND_COLOUR", "").strip() or BRAND)
SIGHTLINE_SESSION_HOURS = 10
# What the authority has chosen (see `sightline settings`), as it stood when this process started.
_chosen = SIGHTLINE_HOME / "sightline.toml"
SIGHTLINE_CHOSEN = Settings.from_toml(_chosen) if _chosen.is_file() else Settings()
if SIGHTLINE_DEMONSTRATION:
    # The page of one child is worth showing; the children are invented. The foot of each page says so.
    SIGHTLINE_CHOSEN = replace(SIGHTLINE_CHOSEN, officers_open=("all",))

# The last entry of each log is noted here while the service works: see `audit.heads`.
SIGHTLINE_LOG_HEADS: Path | None = SIGHTLINE_HOME / "log-heads.jsonl"

# Who signs people in besides passwords: sign-in.toml of the home.
SIGHTLINE_PROVIDERS = providers.read(SIGHTLINE_HOME)

SECRET_KEY = keys.kept(SIGHTLINE_HOME, "secret-key")
SIGHTLINE_SECOND_FACTOR_KEY = keys.kept(SIGHTLINE_HOME, "second-factor-key", keys.encryption_key)
DEBUG = False
ALLOWED_HOSTS = [h.strip() for h in os.environ.get("SIGHTLINE_HOSTS", "").split(",") if h.strip()]
if SIGHTLINE_DEMONSTRATION:
    ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
DATABASES = {"default": _database(SIGHTLINE_HOME, os.environ.get("SIGHTLINE_DATABASE_URL", "").strip())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# One-time codes already used and rate limits are remembered here: every process must see the same memory.
# With room for all of them: beyond its room (300 by default) a memory forgets at random, a code used a moment ago too.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "sightline.web.accounts",
    "sightline.web.audit",
    "sightline.web.people",
    "sightline.web.retention",
    "sightline.web.pages",
    "sightline.web.work",
    "sightline.web.views_saved",
    "sightline.web.trusted",
]
MIDDLEWARE = [
    "sightline.web.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "sightline.web.middleware.NotKept",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sightline.web.accounts.middleware.SessionLimit",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "sightline.web.accounts.middleware.StrongSignIn",
    "sightline.web.authz.middleware.Permission",
]
ROOT_URLCONF = "sightline.web.urls"
WSGI_APPLICATION = "sightline.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "sightline.web.pages.templating.environment",
            "context_processors": ["sightline.web.pages.templating.every_page"],
        },
    },
    # allauth looks for the text of its messages here; no page is drawn with it.
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "DIRS": []},
]

# Accounts: local, by invitation, Argon2, a second factor.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["sightline.web.accounts.backends.LocalAccounts"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "sightline.web.accounts.passwords.OwnWords",
        "OPTIONS": {"words": _own_words(SIGHTLINE_NAME, ALLOWED_HOSTS, os.environ.get("SIGHTLINE_PASSWORD_WORDS", ""))},
    },
]
# A list of leaked passwords is the authority's to supply: nothing is asked of another host.
_BREACHED = os.environ.get("SIGHTLINE_BREACHED_PASSWORDS", "").strip()
if _BREACHED:
    AUTH_PASSWORD_VALIDATORS.append(
        {"NAME": "sightline.web.accounts.passwords.Breached", "OPTIONS": {"place": passwords.checked_list(_BREACHED)}}
    )
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "sightline.web.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}
ACCOUNT_FORMS = {
    "login": "sightline.web.accounts.forms.SignInForm",
    "reauthenticate": "sightline.web.accounts.forms.PasswordAgainForm",
    "change_password": "sightline.web.accounts.forms.ChangePasswordForm",
}
MFA_ADAPTER = "sightline.web.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"  # a passkey that is the whole sign-in must verify its holder
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = SIGHTLINE_DEMONSTRATION
MFA_TOTP_ISSUER = SIGHTLINE_NAME
MFA_RECOVERY_CODE_COUNT = 10
MFA_FORMS = {
    "authenticate": "sightline.web.accounts.forms.CodeForm",
    "reauthenticate": "sightline.web.accounts.forms.CodeAgainForm",
    "activate_totp": "sightline.web.accounts.forms.SetUpCodesForm",
    "add_webauthn": "sightline.web.accounts.forms.AddPasskeyForm",
}

# Uploaded files are read only when this program has found nothing in them; no scan without it.
SIGHTLINE_UPLOAD_SCANNER = scanning.command(os.environ.get(scanning.NAME, ""))

# Cookies, sessions, transport.
_SECURE = not SIGHTLINE_DEMONSTRATION
_PREFIX = "__Host-" if _SECURE else ""
SESSION_COOKIE_NAME = f"{_PREFIX}sightline"
CSRF_COOKIE_NAME = f"{_PREFIX}sightline-form"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(minutes=30).total_seconds())  # idle; SIGHTLINE_SESSION_HOURS is the absolute limit
SESSION_SAVE_EVERY_REQUEST = True
SECURE_SSL_REDIRECT = _SECURE
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if _SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SIGHTLINE_BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "sightline.web.pages.errors.form_refused"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# Files of the page: served from the package, addressed by the stamp of what they were built from.
STATIC_URL = "static/"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATICFILES_DIRS = [
    ("built", assets.BUILT),
    ("htmx", Path(django_htmx.__file__).parent / "static" / "django_htmx"),
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ALLOW_ALL_ORIGINS = False


def WHITENOISE_IMMUTABLE_FILE_TEST(path: str, url: str) -> bool:
    return re.search(r"/static/built/", url) is not None


LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = False
DATE_FORMAT = "j F Y"
EMAIL_TIMEOUT = 10
# Mail carries a link and never a record. Without a server nothing is sent, and what would be told stands on the pages.
globals().update(
    _mail(os.environ.get("SIGHTLINE_MAIL_URL", "").strip(), os.environ.get("SIGHTLINE_MAIL_FROM", "").strip())
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "sightline.web.logs.NoRecords"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "sightline.audit": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
# Where the log lines of access and security go for the council's own monitoring: ids only, one JSON object a line.
if _on("SIGHTLINE_AUDIT_LINES"):
    LOGGING["loggers"]["sightline.audit"]["level"] = "INFO"
