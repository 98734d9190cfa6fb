"""Every address of the product. The desk's own stand in web.desk.urls, the administration's in web.admin.urls."""

from django.urls import path

from postvak.web import (
    events,
    health,
    inbound,
    inbound_provider,
    login,
    metrics,
    preferences,
    rating,
    setup,
    setup_steps,
    shelf,
)
from postvak.web.admin.urls import admin_urls
from postvak.web.desk.urls import desk_urls

urlpatterns = [
    *desk_urls,
    path("api/v1/mail", inbound.mail, name="inbound_mail"),
    path("api/v1/mail/<slug:provider>", inbound_provider.mails, name="inbound_provider"),
    path("hooks/<int:pk>/", events.hook, name="provider_events"),
    path("favicon.ico", shelf.favicon, name="favicon"),
    path("health", health.health, name="health"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("login/", login.log_in, name="login"),
    path("logout/", login.log_out, name="logout"),
    path("language/<slug:code>/", login.choose_language, name="language"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/preview/", preferences.preview, name="preferences-preview"),
    path("preferences/password/", preferences.change_password, name="password"),
    path("rating/<str:token>/", rating.rating, name="rating"),
    path("setup/", setup.hint, name="setup_hint"),
    path("setup/mailbox/", setup_steps.mailbox_step, name="setup_mailbox"),
    path("setup/channel/", setup_steps.channel_step, name="setup_channel"),
    path("setup/address/", setup_steps.address_step, name="setup_address"),
    path("setup/done/", setup_steps.done, name="setup_done"),
    path("setup/<slug:token>/", setup.first, name="setup"),
    *admin_urls,
]

handler403 = "postvak.web.errors.forbidden"
handler404 = "postvak.web.errors.not_found"
handler500 = "postvak.web.errors.own_fault"
