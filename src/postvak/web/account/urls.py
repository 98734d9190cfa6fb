"""Addresses around the log-in and of an agent's own account."""

from django.urls import path

from postvak.web.account import by_provider, confirmation, forgotten, invitation, own_login, second_step

account_urls = [
    path("login/with/<int:pk>/", by_provider.leave, name="login-provider"),
    path("login/callback/", by_provider.callback, name="login-callback"),
    path("login/forgotten/", forgotten.ask, name="password-forgotten"),
    path("login/password/<int:pk>/<str:token>/", forgotten.choose, name="new-password"),
    path("invitation/<str:token>/", invitation.show, name="invitation"),
    path("login/second/", second_step.second_step, name="second-factor"),
    path("login/second/options/", second_step.options, name="second-factor-options"),
    path("login/second/set-up/", own_login.set_up, name="second-factor-set-up"),
    path("preferences/login/", own_login.show, name="own-login"),
    path("preferences/login/app/", own_login.app, name="authenticator-app"),
    path("preferences/login/codes/", own_login.codes, name="recovery-codes"),
    path("preferences/login/codes/renewal/", own_login.renew_codes, name="recovery-codes-renewal"),
    path("preferences/login/passkeys/", own_login.new_passkey, name="passkeys"),
    path("preferences/login/passkeys/options/", own_login.passkey_options, name="passkey-options"),
    path("preferences/login/factors/<int:pk>/removal/", own_login.removal, name="factor-removal"),
    path("preferences/login/sessions/<int:pk>/end/", own_login.end_session, name="session-end"),
    path("preferences/login/sessions/end/", own_login.end_others, name="sessions-end"),
    path("preferences/confirmation/", confirmation.confirm, name="confirmation"),
    path("preferences/confirmation/options/", confirmation.options, name="confirmation-options"),
]
