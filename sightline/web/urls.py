"""Every address of the application. allauth's are named one by one: it offers thirty, and these are wanted."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.urls import path

from sightline.web.accounts import managing_views as managing
from sightline.web.accounts import sign_in
from sightline.web.accounts.views import accept_invitation, remove_passkey, sessions_of
from sightline.web.audit import views as logs
from sightline.web.pages import (
    absence_lists,
    breakdown,
    child,
    clerical,
    closures,
    cohort,
    dashboard,
    early_help,
    looked,
    match_rate,
    named_list,
    packs,
    panel,
    privacy,
    quality,
    retention,
    school,
    search,
    sessions,
    team,
    trust,
    views,
    watched,
    week,
    week_schools,
    youth_justice,
)
from sightline.web.people import views as people
from sightline.web.trusted import views as trusted_adults
from sightline.web.work.urls import urlpatterns as work_urls

urlpatterns = [
    path("", views.home, name="home"),
    path("cohort/", cohort.view, name="cohort"),
    path("cohort/take-away/", named_list.view, name="cohort_take_away"),
    path("early-help/", early_help.view, name="early_help"),
    path("dashboard/", dashboard.view, name="dashboard"),
    path("dashboard/workbook/", dashboard.workbook, name="dashboard_download"),
    path("dashboard/views/", dashboard.saved, name="saved_views"),
    path("breakdown/", breakdown.view, name="breakdown"),
    path("breakdown/workbook/", breakdown.workbook, name="breakdown_download"),
    path("packs/", packs.view, name="packs"),
    path("packs/page/", packs.download, name="pack_download"),
    path("search/", search.view, name="search"),
    path("week/", week.view, name="week"),
    path("week/schools/", week_schools.view, name="week_schools"),
    path("schools/", trust.schools, name="schools"),
    path("schools/workbook/", trust.schools_workbook, name="schools_download"),
    path("trust/", trust.trust, name="trust"),
    path("trust/workbook/", trust.trust_workbook, name="trust_download"),
    path("schools/<str:urn>/", school.view, name="school"),
    path("schools/<str:urn>/workbook/", school.workbook, name="school_download"),
    path("closures/", closures.view, name="closures"),
    path("absence-lists/", absence_lists.view, name="absence_lists"),
    path("youth-justice/", youth_justice.view, name="youth_justice"),
    path("youth-justice/workbook/", youth_justice.workbook, name="youth_justice_download"),
    path("youth-justice/figures/", youth_justice.figures, name="youth_justice_figures"),
    path("panel/", panel.view, name="panel"),
    path("part-time-timetables/", watched.part_time, name="part_time"),
    path("part-time-timetables/workbook/", watched.part_time_workbook, name="part_time_download"),
    path("moves/", watched.moves, name="moves"),
    path("moves/workbook/", watched.moves_workbook, name="moves_download"),
    path("recorded-late/", watched.late_status, name="late_status"),
    path("recorded-late/workbook/", watched.late_status_workbook, name="late_status_download"),
    path("teams/", team.every, name="teams"),
    path("teams/<str:key>/", team.view, name="team"),
    path("teams/<str:key>/workbook/", team.workbook, name="team_download"),
    path("data-quality/", quality.view, name="quality"),
    path("data-quality/pairs/", clerical.view, name="clerical"),
    path("data-quality/pairs/<str:pair_id>/", clerical.one, name="clerical_pair"),
    path("match-rate/", match_rate.view, name="match_rate"),
    path("data-quality/findings.csv", quality.download, name="quality_download"),
    path("children/<uuid:public_id>/", child.view, name="child"),
    path("children/<uuid:public_id>/attendance/", sessions.view, name="child_attendance"),
    path("children/<uuid:public_id>/who-has-looked/", looked.view, name="child_looked"),
    *work_urls,
    path("children/<uuid:public_id>/hide/", people.restrict, name="child_restrict"),
    path("children/<uuid:public_id>/reviewing-officer/", people.reviewer, name="child_reviewer"),
    path("children/<uuid:public_id>/i-know-this-child/", people.declare, name="child_declare"),
    path("children/<uuid:public_id>/trusted-adults/", trusted_adults.of_child, name="child_trusted"),
    path("trusted-adults/", trusted_adults.missing, name="trusted_adults"),
    path("restrictions/", people.restrictions, name="restrictions"),
    path("emergency/", people.break_glass, name="break_glass"),
    path("emergency/opened/", people.break_glass_log, name="break_glass_log"),
    path("people/", managing.users, name="users"),
    path("people/<int:pk>/", managing.user, name="user"),
    path("people/roles-that-wait/", managing.proposals, name="proposals"),
    path("people/review/", managing.review, name="grant_review"),
    path("access/", logs.view, name="access_review"),
    path("access/sample/", logs.sampled, name="access_sample"),
    path("access/entries.csv", logs.download, name="access_review_download"),
    path("act-as/", views.act_as, name="act_as"),
    path("definitions/", views.definitions, name="definitions"),
    path("what-is-kept/", retention.view, name="retention"),
    path("privacy-notice/", privacy.view, name="privacy_notice"),
    path("how-access-is-logged/", views.access_logging, name="access_logging"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("colours.css", views.brand_css, name="brand_css"),
    path("healthz", views.healthz, name="healthz"),
    path("sign-in/", account.login, name="account_login"),
    path("sign-in/code/", factor.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/with/<slug:provider>/", sign_in.begin, name="provider_begin"),
    path("sign-in/with/<slug:provider>/back/", sign_in.come_back, name="provider_come_back"),
    path("sign-out/", account.logout, name="account_logout"),
    path("invitation/<str:token>/", accept_invitation, name="accept_invitation"),
    path("account/password-again/", account.reauthenticate, name="account_reauthenticate"),
    path("account/code-again/", factor.reauthenticate, name="mfa_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/second-factor/", factor.index, name="mfa_index"),
    path("account/second-factor/set-up/", totp.activate_totp, name="mfa_activate_totp"),
    path("account/passkeys/", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("account/passkeys/new/", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", remove_passkey, name="mfa_remove_webauthn"),
    path("account/passkey-again/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/sessions/", sessions_of, name="account_sessions"),
    path("account/recovery-codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
]

handler400 = "sightline.web.pages.errors.bad_request"
handler403 = "sightline.web.pages.errors.forbidden"
handler404 = "sightline.web.pages.errors.not_found"
handler500 = "sightline.web.pages.errors.failed"
handler429 = "sightline.web.pages.errors.too_many"
