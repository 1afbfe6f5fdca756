"""The operators' site: Django's admin behind both factors. Its forms make drafts of proposals.

Nothing is written by the form of a page: see `operators/proposals.py`.
No password, no second factor and no secret of a key is shown.
"""

from typing import Any, Final, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lenders import keys, policy
from lenders.models import ApiKey, Delivery, Lender, WebhookEndpoint
from operators import meetings, pages, proposals, words
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
class ShowingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows on pages of plain words."""

    change_list_template = "operators/rows.html"
    change_form_template = "operators/row.html"
    has_delete_permission = never
    show_facets = admin.ShowFacets.NEVER

    def get_urls(self) -> list[Any]:
        """Django's own, but for the history of a row, which would be empty."""
        return [url for url in super().get_urls() if not str(url.name).endswith("_history")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, headed by what it lists."""
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **more: Any) -> Any:
        """The field alone: a draft is made on its own page, not beside a field."""
        field: Any = super().formfield_for_dbfield(db_field, request, **more)
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class ProposingAdmin(ShowingAdmin):
    """Rows whose form makes a draft, and leads to it."""

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
            messages.warning(request, gettext(CODES[refusal.code].staff))

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
        label=_("New invitation"),
        help_text=_("For a lost passkey: all factors and sessions of the person end."),
    )

    class Meta:
        model = User
        fields = ("email", "full_name", "role", "lender", "is_active")
        help_texts = words.HELP_OF_PERSON
        error_messages = words.FAULTS_OF_PERSON

    def clean_email(self) -> str:
        """In lower case, as addresses are stored."""
        return str(self.cleaned_data["email"]).strip().lower()


class UserAdmin(ProposingAdmin):
    """People. Roles and lenders are immutable, because the log names a person's role at each
    reading. An account is closed by clearing `is_active`.
    """

    form = InvitationForm
    list_display = ("email", "full_name", "role", "lender", "account", "last_login")
    list_filter = ("role", "is_active")
    list_select_related = ("lender",)
    ordering = ("email",)

    @admin.display(description=_("Account"), ordering="is_active")
    def account(self, person: User) -> str:
        """Whether the person may sign in."""
        return gettext("open") if person.is_active else gettext("closed")

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


@admin.display(description=_("Rights"))
def rights(key: ApiKey) -> str:
    """What the key may do; a line for each right."""
    return words.lines(key.scopes)


@admin.display(description=_("Networks"))
def networks(key: ApiKey) -> str:
    """From where the key may be used; a line for each network."""
    return words.lines(key.cidrs or [gettext("any")])


_OF_KEY: Final = (
    *("lender", "mode", "shown", rights, networks),
    *("created_at", "expires_at", "revoked_at", "last_used_at"),
)


class KeyInline(admin.StackedInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """A lender's keys, read-only."""

    model = ApiKey
    fields = readonly_fields = (  # type: ignore[assignment]  # a function may name a field
        "id",
        "mode",
        "shown",
        rights,
        networks,
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    extra = 0
    can_delete = False
    has_add_permission = has_change_permission = never


class LenderForm(forms.ModelForm):  # type: ignore[type-arg]
    """What may change of a lender, with the form of each value."""

    class Meta:
        model = Lender
        fields = ("name", "bin", "phone", "test_calendar", "live_calendar", "return_urls")
        help_texts = words.HELP_OF_LENDER
        error_messages = words.FAULTS_OF_LENDER


class LenderAdmin(ProposingAdmin):
    """Names, telephones, calendars, addresses. The log identifies the lender by its BIN."""

    form = LenderForm
    list_display = ("name", "bin", "phone", "of_test", "of_live", "created_at")
    search_fields = ("name", "bin")
    inlines = (KeyInline,)

    @admin.display(description=_("Legal profiles, test mode"))
    def of_test(self, lender: Lender) -> str:
        """Those of test verifications."""
        return words.lines(words.values(lender.test_calendar))

    @admin.display(description=_("Legal profiles, live mode"))
    def of_live(self, lender: Lender) -> str:
        """Those of live verifications."""
        return words.lines(words.values(lender.live_calendar))

    def get_readonly_fields(self, request: HttpRequest, obj: Lender | None = None) -> Any:
        """What lasts."""
        return ("created_at",) if obj is None else ("id", "bin", "created_at")


class LiveKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A live key that does not exist yet."""

    scopes = forms.MultipleChoiceField(
        label=_("Rights"),
        choices=[(scope, scope) for scope in policy.SCOPES],
        initial=list(policy.SCOPES),
    )
    cidrs = forms.CharField(
        required=False,
        label=_("Networks"),
        help_text=_("Such as 203.0.113.0/24; blanks between. Left empty: any."),
    )
    days = forms.IntegerField(
        label=_("Valid for, days"),
        initial=policy.KEY_DAYS,
        min_value=1,
        max_value=policy.KEY_DAYS,
    )

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
                sentence = str(words.FAULTS_OF_KEY.get(error.code, error.detail))
                raise forms.ValidationError(sentence, code=error.code) from error
        return fields

    def _post_clean(self) -> None:
        """Nothing: `clean` made the row."""


class LiveKeyAdmin(ProposingAdmin):
    """Live keys: a new one is proposed. `manage.py add_key` makes keys of test mode."""

    form = LiveKeyForm
    list_display = ("id", "lender", "shown", "expires_at", "revoked_at", "last_used_at")
    has_change_permission = never

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """What is chosen for a new key, and what a known one is."""
        return ("lender", "scopes", "cidrs", "days") if obj is None else _OF_KEY

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """All of a known key."""
        return () if obj is None else _OF_KEY

    def get_queryset(self, request: HttpRequest) -> Any:
        """Those of live mode."""
        return super().get_queryset(request).filter(mode="live").select_related("lender")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """While live mode is on."""
        return bool(settings.TULGA_MODES_LIVE) and super().has_add_permission(request)


class WebhookEndpointAdmin(ShowingAdmin):
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
    exclude = ("sealed_secret", "sealed_previous_secret", "sealed_signing_key", "events")
    readonly_fields = ("wanted",)
    has_add_permission = has_change_permission = never

    @admin.display(description=_("Wanted events"))
    def wanted(self, endpoint: WebhookEndpoint) -> str:
        """The types of events that the lender asked for; a line for each."""
        return words.lines(endpoint.events or [gettext("all")])


class DeliveryAdmin(ShowingAdmin):
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
    has_add_permission = has_change_permission = never


_LEFT_OUT: Final = ("password_change", "password_change_done")
"""Pages of Django's for which we have our own, at /people/password/."""


class OperatorSite(admin.AdminSite):
    """Django's admin site behind our own sign-in, with pages of ours."""

    site_title = "Tulga"
    site_header = _("Tulga · Astana time (UTC+5)")  # for all times on its pages
    index_title = _("Operation")
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
        meeting = "meetings/<str:meeting_id>/"
        return [
            path("refused/", self.admin_view(self.refused_entries), name="refused"),
            path("proposals/", self.admin_view(pages.list_page), name="proposals"),
            path(proposal, self.admin_view(pages.proposal_page), name="proposal"),
            path(f"{proposal}challenge/", self.admin_view(pages.challenge), name="challenge"),
            path("meetings/", self.admin_view(meetings.list_page), name="meetings"),
            path(meeting, self.admin_view(meetings.meeting_page), name="meeting"),
            path(f"{meeting}challenge/", self.admin_view(meetings.challenge), name="vouching"),
            *(url for url in super().get_urls() if getattr(url, "name", "") not in _LEFT_OUT),
        ]

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """A room's rows, headed by its name."""
        page = super().app_index(request, app_label, extra_context)
        context = cast(dict[str, Any], page.context_data)
        context["title"] = context["app_list"][0]["name"]
        return page

    def refused_entries(self, request: HttpRequest) -> HttpResponse:
        """The log's refused entries, each with its case's last ordered state, and advice."""
        entries, has_more = refusals.refused_entries()
        context = self.each_context(request)
        in_words = [(entry, words.refusal(entry)) for entry in entries]
        context |= {"entries": in_words, "has_more": has_more}
        context["title"] = gettext("Entries that the log refuses")
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
