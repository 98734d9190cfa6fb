"""Every address of the product but those of the API (urls_with_api). The desk's own stand in web.desk.urls, the administration's
in web.admin.urls."""

from django.urls import path

from postvak.web import (
    demo,
    events,
    health,
    inbound,
    inbound_provider,
    login,
    manual,
    metrics,
    preferences,
    programs,
    rating,
    security_txt,
    setup,
    setup_steps,
    shelf,
)
from postvak.web.account.urls import account_urls
from postvak.web.admin.urls import admin_urls
from postvak.web.desk.urls import desk_urls

urlpatterns = [
    *desk_urls,
    path("api/v1/mail", inbound.mail, name="inbound_mail"),
    path("api/v1/mail/<slug:provider>", inbound_provider.mails, name="inbound_provider"),
    path(".well-known/security.txt", security_txt.show, name="security-txt"),
    path("hooks/<int:pk>/", events.hook, name="provider_events"),
    path("demo/", demo.inbox, name="demo"),
    path("demo/write/", demo.write, name="demo-write"),
    path("demo/<str:key>/", demo.show, name="demo-mail"),
    path("favicon.ico", shelf.favicon, name="favicon"),
    path("health", health.health, name="health"),
    path("health/ready", health.ready, name="health-ready"),
    path("manual/", manual.contents, name="manual"),
    path("manual/<slug:topic>/", manual.show, name="manual-chapter"),
    path("metrics", metrics.metrics, name="metrics"),
    path("login/", login.log_in, name="login"),
    path("login/passkey/", login.by_passkey, name="login-passkey"),
    path("login/passkey/options/", login.passkey_options, name="login-passkey-options"),
    *account_urls,
    path("logout/", login.log_out, name="logout"),
    path("language/<slug:code>/", login.choose_language, name="language"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/preview/", preferences.preview, name="preferences-preview"),
    path("preferences/password/", preferences.change_password, name="password"),
    path("preferences/programs/", programs.show, name="programs"),
    path("preferences/programs/new/", programs.new, name="program-new"),
    path("preferences/programs/<int:pk>/withdrawal/", programs.withdrawal, name="program-withdrawal"),
    path("rating/<str:token>/", rating.rating, name="rating"),
    path("setup/", setup.hint, name="setup_hint"),
    path("setup/mailbox/", setup_steps.mailbox_step, name="setup_mailbox"),
    path("setup/channel/", setup_steps.channel_step, name="setup_channel"),
    path("setup/address/", setup_steps.address_step, name="setup_address"),
    path("setup/preview/", setup_steps.preview_step, name="setup_preview"),
    path("setup/preview/mails/", setup_steps.preview_part, name="setup_preview_mails"),
    path("setup/done/", setup_steps.done, name="setup_done"),
    path("setup/<slug:token>/", setup.first, name="setup"),
    *admin_urls,
]

handler403 = "postvak.web.errors.forbidden"
handler404 = "postvak.web.errors.not_found"
handler500 = "postvak.web.errors.own_fault"
