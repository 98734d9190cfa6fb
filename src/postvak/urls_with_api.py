"""Every address of the product, with those of the API: for requests to /api/ (web.middleware.api_addresses)."""

from postvak.api.main import api_urls
from postvak.urls import handler403, handler404, handler500
from postvak.urls import urlpatterns as page_urls

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [*page_urls, *api_urls]
