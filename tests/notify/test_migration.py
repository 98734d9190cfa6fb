"""The signature that a brand had before 0009 goes on below its mails."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from postvak.models import Brand, Wording

BEFORE, AFTER = ("postvak", "0008_sending"), ("postvak", "0009_signatures_are_wordings")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_signature_becomes_a_wording_and_back() -> None:
    latest = [key for key in MigrationExecutor(connection).loader.graph.leaf_nodes() if key[0] == "postvak"]
    try:
        executor = MigrationExecutor(connection)
        executor.migrate([BEFORE])
        old = executor.loader.project_state([BEFORE]).apps.get_model("postvak", "Brand")
        old.objects.update(signature="Regards\n{agent}\nExample Ltd")
        old.objects.create(name="Without", signature=" ")
        MigrationExecutor(connection).migrate([AFTER])
        assert list(Wording.objects.values_list("brand__name", "part", "language", "text", "html")) == [
            (Brand.objects.order_by("pk").first().name, "signature", "", "Regards\n{{ agent.name }}\nExample Ltd", "")  # type: ignore[union-attr]
        ]
        MigrationExecutor(connection).migrate([BEFORE])
        assert list(old.objects.order_by("pk").values_list("signature", flat=True)) == [
            "Regards\n{agent}\nExample Ltd",
            "",
        ]
    finally:
        MigrationExecutor(connection).migrate(latest)
