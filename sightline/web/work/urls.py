"""The addresses of the pages about the data themselves: what parts, what was received, and what is asked of whom."""

from __future__ import annotations

from django.urls import path

from sightline.web.pages import (
    accuracy,
    batches,
    disagree,
    exceptions,
    loads,
    registers_kept,
    scope,
    self_review,
    senders,
    spot_checks,
)

urlpatterns = [
    path("exceptions/", exceptions.view, name="exceptions"),
    path("exceptions/batches/", batches.view, name="batches"),
    path("exceptions/batches/<str:batch>/", batches.batch, name="batch"),
    path("exceptions/batches/file/<str:file>", batches.download, name="batch_file"),
    path("exceptions/answers/", batches.answers, name="answers"),
    path("exceptions/one/<str:exception_id>/", exceptions.one, name="exception"),
    path("accuracy/", accuracy.view, name="accuracy"),
    path("figures/", disagree.view, name="figures"),
    path("spot-checks/", spot_checks.view, name="spot_checks"),
    path("who-counts/", scope.view, name="scope"),
    path("data-sharing/", registers_kept.agreements, name="agreements"),
    path("asks-of-schools/", registers_kept.requests, name="requests"),
    path("data-access/", self_review.view, name="self_review"),
    path("data-access/workbook/", self_review.workbook, name="self_review_download"),
    path("senders/", senders.view, name="senders"),
    path("loads/", loads.view, name="loads"),
    path("loads/<uuid:public_id>/", loads.upload, name="upload"),
    path("loads/<uuid:public_id>/progress/", loads.progress, name="upload_progress"),
]
