"""The test database itself: each test begins with what the migrations left, and the role may not
rewrite the log.
"""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection

_TESTS_WRITE = pytest.mark.django_db(transaction=True)


@_TESTS_WRITE
@pytest.mark.parametrize("time", [1, 2])
def test_a_test_that_commits_leaves_nothing_to_the_next(time: int) -> None:
    assert ContentType.objects.count() > 0
    assert not ContentType.objects.filter(app_label="left_over").exists()
    ContentType.objects.create(app_label="left_over", model="row")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE verification_auditentry SET type='x'",
        "DELETE FROM verification_auditentry",
        "UPDATE verification_reviewvote SET passes=true",
        "DELETE FROM verification_reviewvote",
    ],
)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite knows no roles")
def test_the_application_role_cannot_rewrite_the_log_or_a_vote(statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)
