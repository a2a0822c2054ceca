"""Each view: who may call it, its object through a gate, one call to a model or service, the answer."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.audit import api as audit
from apps.encryption.errors import EncryptionError
from apps.encryption.reveal import reveal
from apps.rbac.gates import access_or_404
from apps.rbac.policies import login, perm, policy
from apps.records import access, changes
from apps.records.cells import cells_of
from apps.records.forms import FindForm, RecordForm, RevealForm, ShareForm
from apps.records.models import Record

PAGE_SIZE = 25
show_or_save = require_http_methods(["GET", "HEAD", "POST"])


class Request(HttpRequest):
    user: User  # no policy here is public, so nobody else gets as far as a view


@require_safe
@policy(login())
def record_list(request: Request) -> HttpResponse:
    """Nothing sealed is opened here: who reads it opens a record, and the history says so."""
    visible = Record.objects.for_user(request.user, "view").select_related("created_by")
    page = Paginator(visible, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = access.rows(request.user, page)
    return render(request, "records/list.html", {"page": page, "rows": rows, "find": FindForm()})


@require_POST
@policy(login())
def find(request: Request) -> HttpResponse:
    """By POST: an ID in a URL would stay in logs, in the browser's history and in the Referer."""
    form = FindForm(request.POST)
    rows: list[access.Row] = []
    if form.is_valid():
        visible = Record.objects.for_user(request.user, "view").select_related("created_by")
        rows = access.rows(request.user, visible.filter(national_id=form.cleaned_data["national_id"])[:PAGE_SIZE])
        audit.record("records.record.searched", found=len(rows))
    return render(request, "records/found.html", {"find": form, "rows": rows})


@show_or_save
@policy(perm("records.add_record"))
def create(request: Request) -> HttpResponse:
    form = RecordForm(request.POST or None)
    if form.is_valid():
        record = changes.create(form, by=request.user)
        messages.success(request, "The record was created. Only you can see it until you share it.")
        return redirect(record)
    return render(request, "records/form.html", {"form": form})


@require_safe
@policy(perm("records.view_record", on="pk"))
def detail(request: Request, pk: UUID) -> HttpResponse:
    record = audit.viewed(access_or_404(request, Record, pk, "records.view_record"))
    shown = {"record": record, "cells": (cells := cells_of(record)), "damaged": None in cells.values()}
    return render(request, "records/detail.html", shown | {"shares": access.shares(record)})


@show_or_save
@policy(perm("records.change_record", on="pk"))
def edit(request: Request, pk: UUID) -> HttpResponse:
    record = access_or_404(request, Record, pk, "records.change_record")
    try:
        form = RecordForm(request.POST or None, instance=record)
    except EncryptionError:
        # Saving the form would replace the damaged cell, and with it the proof of what was done.
        messages.error(request, "This record can't be edited while one of its fields is unreadable.")
        return redirect(record)
    if form.is_valid():
        form.save()
        messages.success(request, "The record was saved.")
        return redirect(record)
    audit.viewed(record)  # the form shows all of it, and nothing masked
    return render(request, "records/form.html", {"form": form, "record": record})


@show_or_save
@policy(perm("records.reveal_national_id", on="pk"))
def reveal_national_id(request: Request, pk: UUID) -> HttpResponse:
    """By POST, with a reason: the number is on this one answer, which nobody keeps, and its event commits first."""
    record = access_or_404(request, Record, pk, "records.reveal_national_id")
    form = RevealForm(request.POST or None)
    shown = {"record": record, "form": form}
    if form.is_valid():
        try:
            why = form.cleaned_data["reason"]
            shown["national_id"] = reveal(record, "national_id", to=request.user, reason=why)
        except EncryptionError:
            return redirect(record)  # whose page says what is the matter
    return render(request, "records/reveal.html", shown)


@show_or_save
@policy(perm("records.delete_record", on="pk"))
def delete(request: Request, pk: UUID) -> HttpResponse:
    record = access_or_404(request, Record, pk, "records.delete_record")
    if request.method == "POST":
        record.delete()
        messages.success(request, f"“{record.title}” was deleted.")
        return redirect("records:list")
    return render(request, "records/delete.html", {"record": record})


@show_or_save
@policy(perm("records.share_record", on="pk"))
def share(request: Request, pk: UUID) -> HttpResponse:
    record = access_or_404(request, Record, pk, "records.share_record")
    form = ShareForm(request.POST or None, initial={"owner": record.created_by})
    if form.is_valid():
        to, what = form.cleaned_data["email"], form.cleaned_data["access"]
        access.share(record, by=request.user, to=to, access=what)
        messages.success(request, f"Shared with {to}: {what.lower()}.")
        return redirect("records:share", pk)
    return render(request, "records/share.html", {"record": record, "form": form, "shares": access.shares(record)})


@require_POST
@policy(perm("records.share_record", on="pk"))
def unshare(request: Request, pk: UUID, user_pk: UUID) -> HttpResponse:
    record = access_or_404(request, Record, pk, "records.share_record")
    colleague = access.stop_sharing(record, by=request.user, user_pk=user_pk)
    messages.success(request, f"{colleague} can no longer see this record.")
    return redirect("records:share", pk)
