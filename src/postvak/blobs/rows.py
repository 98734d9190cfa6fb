"""The table behind blobs.store. Only blobs/ reads or writes it; other tables point to it by digest."""

from django.db import models


class Blob(models.Model):
    """One byte string under its SHA-256. `content` is zstd-compressed, or null when the bytes lie in a file."""

    digest = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    content = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "postvak"
