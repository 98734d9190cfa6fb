"""The table behind blobs.store. Only blobs/ reads or writes it; other tables point to it by digest."""

from typing import ClassVar

from django.db import models


class Blob(models.Model):
    """One byte string under its SHA-256. `content` is zstd-compressed, or null when the bytes lie in the vault.

    Removal has two steps, so that the same bytes may arrive again at any moment: `condemned_at` says since when
    nobody needs them, `is_going` that their removal has begun (store.save, receive.retention).
    """

    digest = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    content = models.BinaryField(null=True)
    condemned_at = models.DateTimeField(null=True)
    is_going = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "postvak"
        indexes: ClassVar = [
            models.Index(fields=["condemned_at"], condition=models.Q(condemned_at__isnull=False), name="blob_condemned")
        ]
