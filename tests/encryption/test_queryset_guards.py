"""What would compute, compare, sort or merge with ciphertext is refused with the way out, by any queryset."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import connection, transaction
from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.functions import Cast, Coalesce, Concat, Length, Lower, RowNumber

from apps.encryption.attributes import Sealed
from tests.testapp.models import Clinic, Patient, Unbound

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def patients() -> list[Patient]:
    clinic = Clinic.objects.create(motto="salus")
    return [
        Patient.objects.create(title=title, clinic=clinic, name=name, notes="same", weight=weight)
        for title, name, weight in (("a", "Ada", 60), ("a", "Ben", None), ("b", "Cyd", 60))
    ]


def plain() -> QuerySet[Patient]:
    """One that knows nothing of encryption: the guard is the column's own."""
    return QuerySet[Patient](Patient)


def notes() -> QuerySet[Any]:
    return Patient.objects.values("notes")


REFUSED: dict[str, Callable[[], Any]] = {
    "a sum": lambda: plain().aggregate(Sum("weight")),
    "a maximum": lambda: plain().aggregate(Max("notes")),
    "a maximum of a slice": lambda: plain()[:2].aggregate(Max("notes")),
    "two maxima of a slice": lambda: Patient.objects.all()[:2].aggregate(Max("notes"), Max("title")),
    "a maximum of an annotation": lambda: plain().annotate(x=F("notes"))[:2].aggregate(Max("x")),
    "a maximum of distinct rows": lambda: plain().distinct().aggregate(Max("notes")),
    "a count of different values of distinct rows": lambda: (
        plain().distinct().aggregate(a=Count("notes", distinct=True), b=Count("id"))
    ),
    "a maximum of an annotation, and a count": lambda: Patient.objects.annotate(x=F("notes"))[:2].aggregate(
        Max("x"), Count("id")
    ),
    "a maximum of each group": lambda: plain().values("title").annotate(x=Max("notes")),
    "a count of different values": lambda: plain().aggregate(Count("notes", distinct=True)),
    "a function": lambda: plain().annotate(x=Lower("notes")),
    "a function of a relation": lambda: plain().annotate(x=Length("clinic__motto")),
    "a cast": lambda: plain().annotate(x=Cast("notes", TextField())),
    "a default": lambda: plain().annotate(x=Coalesce("notes", Value(b""))),
    "text put together": lambda: plain().annotate(x=Concat("notes", Value("!"), output_field=CharField())),
    "a case": lambda: plain().annotate(x=Case(When(title="a", then=F("notes")))),
    "a window": lambda: plain().annotate(x=Window(RowNumber(), partition_by="notes")),
    "a window's order": lambda: plain().annotate(x=Window(RowNumber(), order_by="notes")),
    "a function in a filter": lambda: plain().filter(Q(title=Lower("notes"))),
    "a comparison": lambda: plain().filter(title=F("notes")),
    "a comparison with a list": lambda: plain().filter(title__in=[F("notes"), "x"]),
    "a comparison with a subquery": lambda: plain().filter(title__in=notes()),
    "a comparison with a selected value": lambda: plain().filter(title=Subquery(notes()[:1])),
    "an outer value": lambda: plain().filter(Exists(plain().filter(title=OuterRef("notes")))),
    "an order": lambda: plain().order_by("notes"),
    "an order by an expression": lambda: plain().order_by(Lower("notes").desc()),
    "an order by an annotation": lambda: plain().annotate(x=F("notes")).order_by("-x"),
    "an order by what is not selected": lambda: plain().alias(x=F("notes")).order_by("x"),
    "an order of values": lambda: plain().values_list("notes").order_by("notes"),
    "an order of another column's values": lambda: plain().values_list("title").order_by("clinic__motto"),
    "the latest": lambda: plain().latest("notes"),
    "distinct values": lambda: plain().values("notes").distinct(),
    "distinct values of a relation": lambda: plain().values("title", "clinic__motto").distinct(),
    "distinct annotations": lambda: plain().annotate(x=F("notes")).values("x").distinct(),
    "groups": lambda: plain().values("notes").annotate(n=Count("id")),
    "groups by an annotation": lambda: plain().annotate(x=F("notes")).values("title", "x").annotate(n=Count("id")),
    "groups by the other side of a relation": lambda: Clinic.objects.annotate(
        x=F("patient__notes"), n=Count("patient")
    ),
    "a union of values": lambda: plain().values("notes").union(plain().values("name")),
    "an intersection of values": lambda: plain().values("notes").intersection(plain().values("notes")),
}


@pytest.mark.parametrize("made", REFUSED.values(), ids=REFUSED)
def test_what_ciphertext_would_answer_wrongly_is_refused(made: Callable[[], Any]) -> None:
    with pytest.raises(FieldError, match=r"testapp\.\w+\.\w+ is encrypted: .+\. |Sort in Python"):
        list(made())


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has DISTINCT ON")
def test_distinct_on_a_column_is_refused_and_on_another_one_is_not() -> None:
    assert Patient.objects.order_by("title").distinct("title").count() == 2
    with pytest.raises(FieldError, match="is encrypted"):
        list(plain().distinct("notes"))


ALLOWED: dict[str, tuple[Callable[[], Any], int]] = {
    "a count": (lambda: plain().aggregate(n=Count("weight"))["n"], 2),
    "a count of each group": (lambda: plain().values("title").annotate(n=Count("weight")).get(title="a")["n"], 1),
    "a test for NULL": (lambda: plain().annotate(x=Q(weight__isnull=True)).filter(x=True).count(), 1),
    "a case of a test": (lambda: plain().aggregate(n=Count(Case(When(weight__isnull=True, then=1))))["n"], 1),
    "whole rows, distinct": (lambda: len(plain().distinct()), 3),
    "their number": (lambda: plain().distinct().count(), 3),
    "distinct rows across a relation": (lambda: len(plain().select_related("clinic").distinct()), 3),
    "distinct values with the key": (lambda: len(plain().values("pk", "notes").distinct()), 3),
    "distinct values with a key that leads there": (
        lambda: len(plain().values("clinic_id", "clinic__motto").distinct()),
        1,
    ),
    "whole rows, grouped": (lambda: sum(c.n for c in Clinic.objects.annotate(n=Count("patient"))), 3),
    "grouped across a relation": (lambda: len(plain().annotate(x=F("clinic__motto"), n=Count("clinic"))), 3),
    "values of grouped rows": (lambda: len(Clinic.objects.annotate(n=Count("patient")).values("motto")), 1),
    "a union of rows": (lambda: len(plain().filter(title="a").union(plain().filter(title="b"))), 3),
    "a union of all values": (lambda: len(plain().values("notes").union(plain().values("notes"), all=True)), 6),
    "a subquery of keys": (lambda: plain().filter(pk__in=plain().filter(weight=60).values("pk")).count(), 2),
    "whether there is a row": (lambda: Clinic.objects.filter(Exists(plain().filter(weight=60))).count(), 1),
    "a value that is given as an expression": (lambda: plain().filter(weight=Value(60)).count(), 2),
    "a list of them": (lambda: plain().filter(weight__in=[Value(60), 61]).count(), 2),
    "a slice": (lambda: len(plain()[:2]), 2),
    "the number of distinct rows with annotations": (lambda: plain().annotate(x=F("notes")).distinct().count(), 3),
    "the number of selected values": (lambda: plain().values("pk", "notes").distinct().count(), 3),
    "the number of a slice of values": (lambda: plain().values("title", "notes")[:2].count(), 2),
}


@pytest.mark.parametrize(("made", "expected"), ALLOWED.values(), ids=ALLOWED)
def test_what_does_not_look_into_cells_works(made: Callable[[], Any], expected: int) -> None:
    assert made() == expected


def test_an_annotation_gives_the_sealed_value() -> None:
    assert {type(found.x) for found in Patient.objects.annotate(x=F("notes"))} == {Sealed}
    assert {repr(row["x"]) for row in Patient.objects.values(x=F("clinic__motto"))} == {"<Sealed>"}


@pytest.mark.parametrize(
    "value",
    [F("notes"), Concat("title", "notes"), Subquery(Patient.objects.values("notes")[:1])],
    ids=["F", "Concat", "Subquery"],
)
def test_ciphertext_is_not_written_to_another_column(patients: list[Patient], value: Any) -> None:
    with pytest.raises(FieldError, match=r"testapp\.patient\.notes is encrypted"), transaction.atomic():
        Patient.objects.update(title=value)
    patients[0].title = value
    with pytest.raises(FieldError, match=r"testapp\.patient\.notes is encrypted"), transaction.atomic():
        patients[0].save()
    assert Patient.objects.filter(title="a").count() == 2


@pytest.mark.parametrize(
    "value", ["marker", Value("marker"), Concat(Value("x"), Value("y"))], ids=["text", "Value", "Concat"]
)
def test_an_update_of_a_field_that_is_bound_to_no_row_is_refused_too(value: Any) -> None:
    made = Unbound.objects.create(secret="old")
    with pytest.raises(FieldError, match="is encrypted"), transaction.atomic():
        Unbound.objects.update(secret=value)
    assert Unbound.objects.update_or_create(pk=made.pk, defaults={"secret": "newer"})[0].secret == "newer"


def test_a_second_look_at_a_refused_query_is_refused_too() -> None:
    rows = plain().order_by("notes")
    for _ in range(2):
        with pytest.raises(FieldError, match="is encrypted"):
            str(rows.query)
