"""The operators' site: Django's admin behind both factors. Its forms make drafts of proposals.

Nothing is written by the form of a page: see `operators/proposals.py`.
No password, no second factor and no secret of a key is shown.
"""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path, reverse

from lenders import keys, policy
from lenders.models import ApiKey, Delivery, Lender, WebhookEndpoint
from operators import pages, proposals
from operators.models import Proposal
from people.models import OPERATE, User, is_second_factor_done, may
from verification import transactions
from verification.core.codes import CODES
from verification.core.errors import Refused, TulgaError
from verification.oversight import refusals


def never(self: object, request: HttpRequest, obj: Any = None) -> bool:
    """No, even for an operator: the answer to permission questions of Django's admin."""
    return False


# Django's class takes no parameter at run time
class ProposingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows whose form makes a draft, and leads to it."""

    has_delete_permission = never

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The filters that the page shows. Another column could be guessed, sign by sign."""
        return lookup.removesuffix("__exact") in self.list_filter

    def draft(self, row: Any, names: set[str], *, by: User, is_new: bool) -> Proposal:
        """The draft of a changed or new row."""
        return proposals.draft(row, names, by=by)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Drafts the change; the row stays."""
        names = {*form.changed_data} if change else {field.name for field in obj._meta.fields}
        obj.proposal = None
        try:
            with transactions.writing():
                obj.proposal = self.draft(obj, names, by=_operator(request), is_new=not change)
        except Refused as refusal:
            messages.warning(request, CODES[refusal.code].staff)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: a page changes one row."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """None: nothing changed yet."""
        return []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: the log has the change once it is confirmed."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing, as above."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *given: Any, **more: Any
    ) -> HttpResponse:
        """One button: a draft leads to its page."""
        shown = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, {**context, **shown}, *given, **more)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """To the draft."""
        return redirect("admin:proposal", obj.proposal.pk)

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        """To the draft; back to the form if it changed nothing."""
        if obj.proposal is None:
            return redirect(request.path)
        return redirect("admin:proposal", obj.proposal.pk)


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person, new or known. A new invitation ends the factors of a known one."""

    invites = forms.BooleanField(
        required=False,
        label="New invitation",
        help_text="For a lost passkey: all factors and sessions of the person end.",
    )

    class Meta:
        model = User
        fields = ("email", "full_name", "role", "lender", "is_active")

    def clean_email(self) -> str:
        """In lower case, as addresses are stored."""
        return str(self.cleaned_data["email"]).strip().lower()


class UserAdmin(ProposingAdmin):
    """People. Roles and lenders are immutable, because the log names a person's role at each
    reading. An account is closed by clearing `is_active`.
    """

    form = InvitationForm
    list_display = ("email", "full_name", "role", "lender", "is_active", "last_login")
    list_filter = ("role", "is_active")
    list_select_related = ("lender",)
    ordering = ("email",)

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """A new person gets an invitation in any case."""
        if obj is None:
            return ("email", "full_name", "role", "lender")
        times = ("last_login", "created_at")
        return ("email", "full_name", "role", "lender", "is_active", "invites", *times)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """What lasts."""
        return () if obj is None else ("email", "role", "lender", "last_login", "created_at")

    def draft(self, row: Any, names: set[str], *, by: User, is_new: bool) -> Proposal:
        """A draft, with an invitation for a new person, or for one who lost their factors."""
        named = names - {"invites"}
        if is_new or "invites" in names:
            return proposals.draft_invitation(row, named, by=by)
        return proposals.draft(row, named, by=by)


class KeyInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """A lender's keys, read-only."""

    model = ApiKey
    fields = readonly_fields = (
        "id",
        "mode",
        "shown",
        "scopes",
        "cidrs",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    extra = 0
    can_delete = False
    has_add_permission = has_change_permission = never


class LenderAdmin(ProposingAdmin):
    """Names, telephones, calendars, addresses. The log identifies the lender by its BIN."""

    list_display = ("name", "bin", "phone", "test_calendar", "live_calendar", "created_at")
    search_fields = ("name", "bin")
    inlines = (KeyInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Lender | None = None) -> Any:
        """What lasts."""
        return ("created_at",) if obj is None else ("id", "bin", "created_at")


class LiveKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A live key that does not exist yet."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in policy.SCOPES], initial=list(policy.SCOPES)
    )
    cidrs = forms.CharField(
        required=False, label="Networks", help_text="Such as 203.0.113.0/24; blanks between."
    )
    days = forms.IntegerField(initial=policy.KEY_DAYS, min_value=1, max_value=policy.KEY_DAYS)

    class Meta:
        model = ApiKey
        fields = ("lender",)

    def clean(self) -> dict[str, Any]:
        """The key as it will be, without its secret."""
        fields = super().clean() or {}
        if not self.errors:
            try:
                self.instance = keys.draft(
                    fields["lender"],
                    mode="live",
                    scopes=fields["scopes"],
                    cidrs=fields["cidrs"].split(),
                    days=fields["days"],
                )
            except TulgaError as error:
                raise forms.ValidationError(error.detail, code=error.code) from error
        return fields

    def _post_clean(self) -> None:
        """Nothing: `clean` made the row."""


class LiveKeyAdmin(ProposingAdmin):
    """Live keys: a new one is proposed. `manage.py add_key` makes keys of test mode."""

    form = LiveKeyForm
    fields = ("lender", "scopes", "cidrs", "days")
    list_display = ("id", "lender", "shown", "expires_at", "revoked_at", "last_used_at")
    has_change_permission = never

    def get_queryset(self, request: HttpRequest) -> Any:
        """Those of live mode."""
        return super().get_queryset(request).filter(mode="live").select_related("lender")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """While live mode is on."""
        return bool(settings.TULGA_MODES_LIVE) and super().has_add_permission(request)


class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Endpoints, read-only: their lender makes, changes and ends them."""

    list_display = (
        "id",
        "lender",
        "mode",
        "url",
        "cursor",
        "failures",
        "paused_until",
        "disabled_at",
        "disabled_reason",
    )
    list_filter = ("mode",)
    exclude = ("sealed_secret", "sealed_previous_secret", "sealed_signing_key")
    has_add_permission = has_change_permission = has_delete_permission = never


class DeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Deliveries and their answers, read-only."""

    list_display = (
        "id",
        "endpoint",
        "type",
        "status",
        "tries",
        "due_at",
        "response_status",
        "failure",
    )
    list_filter = ("status", "mode")
    exclude = ("body", "fence")
    has_add_permission = has_change_permission = has_delete_permission = never


class OperatorSite(admin.AdminSite):
    """Django's admin site behind our own sign-in, with pages of ours."""

    site_title = "Tulga"
    site_header = "Tulga · Astana time (UTC+5)"  # for all times on its pages
    index_title = "Operation"
    site_url = "/people/"
    index_template = "operators/operation.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.register(User, UserAdmin)
        self.register(Lender, LenderAdmin)
        self.register(ApiKey, LiveKeyAdmin)
        self.register(WebhookEndpoint, WebhookEndpointAdmin)
        self.register(Delivery, DeliveryAdmin)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this is an operator with both factors."""
        return may(request.user, permission=OPERATE)

    def get_urls(self) -> list[Any]:
        """Django's own addresses, and ours."""
        proposal = "proposals/<str:proposal_id>/"
        return [
            path("refused/", self.admin_view(self.refused_entries), name="refused"),
            path("proposals/", self.admin_view(pages.list_page), name="proposals"),
            path(proposal, self.admin_view(pages.proposal_page), name="proposal"),
            path(f"{proposal}challenge/", self.admin_view(pages.challenge), name="challenge"),
            *super().get_urls(),
        ]

    def refused_entries(self, request: HttpRequest) -> HttpResponse:
        """The log's refused entries, each with its case's last ordered state, and advice."""
        entries, has_more = refusals.refused_entries()
        context = self.each_context(request)
        context |= {"entries": entries, "has_more": has_more}
        context["title"] = "Entries that the log refuses"
        return render(request, "operators/refused.html", context)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sends anonymous users to our sign-in, because Django's own form asks for one factor
        only.
        """
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if is_second_factor_done(request.user):
            raise PermissionDenied
        return redirect_to_login(
            request.GET.get("next", reverse("admin:index")), login_url=reverse("people:login")
        )


def _operator(request: HttpRequest) -> User:
    # The site admits operators alone.
    return cast(User, request.user)
