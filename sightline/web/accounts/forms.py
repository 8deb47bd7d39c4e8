"""Forms of sign-in, each field with its own sentence for when it is missing."""

from __future__ import annotations

from datetime import date
from typing import Any

from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as CodeReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.contrib.auth import password_validation

from sightline.vocabulary.dates import RIGHT_DAY, typed_day
from sightline.web.accounts.models import User

CODE = "Enter the code from your authenticator app"


class Plain(forms.Form):
    """Labels and messages in our words; no placeholder, and no `required` attribute that stops a page's own message."""

    words: dict[str, tuple[str, str]] = {}  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        for name, (label, missing) in self.words.items():
            field = self.fields[name]
            field.label = label
            field.help_text = ""
            field.error_messages["required"] = missing
            field.widget.attrs.pop("placeholder", None)


class DayField(forms.Field):
    """A day, typed with its day first (see `typed_day`)."""

    default_error_messages = {"invalid": RIGHT_DAY}  # noqa: RUF012

    def to_python(self, value: Any) -> date | None:
        said = str(value or "").strip()
        day = typed_day(said)
        if said and day is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return day


class SignInForm(Plain, LoginForm):
    words = {  # noqa: RUF012
        "login": ("Email address or user name", "Enter your email address or user name"),
        "password": ("Password", "Enter your password"),
    }


class PasswordAgainForm(Plain, ReauthenticateForm):
    words = {"password": ("Password", "Enter your password")}  # noqa: RUF012


class ChangePasswordForm(Plain, AllauthChangePasswordForm):
    words = {  # noqa: RUF012
        "oldpassword": ("Current password", "Enter your current password"),
        "password1": ("New password", "Enter a new password"),
        "password2": ("New password again", "Enter the new password again"),
    }


class CodeForm(Plain, AuthenticateForm):
    words = {"code": ("Code", CODE)}  # noqa: RUF012


class CodeAgainForm(Plain, CodeReauthenticateForm):
    words = {"code": ("Code", CODE)}  # noqa: RUF012


class SetUpCodesForm(Plain, ActivateTOTPForm):
    words = {"code": ("Code", CODE)}  # noqa: RUF012

    def clean_code(self) -> str:
        code = str(super().clean_code())
        # allauth remembers the codes used to sign in, but not the one used to set up: it could be used again.
        used = TOTP(Authenticator(user=self.user, type=Authenticator.Type.TOTP))
        used._mark_code_used(code)
        return code


class AddPasskeyForm(Plain, AddWebAuthnForm):
    words = {"name": ("A name for this passkey, such as the device it is on", "Enter a name")}  # noqa: RUF012


class AcceptInvitationForm(Plain):
    password1 = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False, max_length=256
    )
    password2 = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False, max_length=256
    )
    words = {  # noqa: RUF012
        "password1": ("Password", "Enter a password"),
        "password2": ("Password again", "Enter the password again"),
    }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password1(self) -> str:
        password = str(self.cleaned_data["password1"])
        password_validation.validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        held = super().clean() or self.cleaned_data
        if held.get("password1") and held.get("password2") and held["password1"] != held["password2"]:
            self.add_error("password2", "The two passwords are not the same.")
        return held
