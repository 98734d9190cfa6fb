"""Lease: the right to do one named thing alone ("mailbox:3"), for a limited time."""

from django.db import models


class Lease(models.Model):
    name = models.CharField(primary_key=True, max_length=100)
    owner = models.CharField(max_length=64)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.owner}"
