"""The borrower's addresses. None holds an id: the cookie identifies the session.

One holds a secret, because eGov Mobile's protocol has no other place for it: see
`access/mobile_signing.py`.
"""

from django.urls import include, path

from verification.borrower import browsers, elsewhere, public, signing, views

app_name = "borrower"

_OF_A_VERIFICATION = [
    path("", views.link, name="link"),
    path("peek/", views.peek, name="peek"),
    path("unusable/", views.unusable, name="unusable"),
    path("now/", views.now, name="now"),
    path("now/state/", views.state, name="state"),
    path("now/hint/", views.hint, name="hint"),
    path("now/route/", views.route, name="route"),
    path("now/resume/", views.resume, name="resume"),
    path("now/withdraw/", views.withdraw, name="withdraw"),
    path("now/elsewhere/", elsewhere.elsewhere, name="elsewhere"),
    path("now/elsewhere/number/", elsewhere.match, name="match"),
    path("now/signed/<slug:untrusted_file>/", views.signed, name="signed"),
    path("phone/", elsewhere.phone, name="phone"),
    path("phone/now/", elsewhere.phone_now, name="phone_now"),
    path("phone/now/state/", elsewhere.phone_state, name="phone_state"),
    path("now/egov/", signing.mint, name="egov_mint"),
    # The app accepts an address for signing only with the word mgovSign (CLAIMED, as in all
    # integrations).
    path("egov/<str:untrusted_code>/mgovSign", signing.start, name="egov_start"),
    path("egov/documents", signing.documents, name="egov_documents"),
]

urlpatterns = [
    path("protect", public.protect, name="protect"),
    path("about", public.about, name="about"),
    path(browsers.PATH.lstrip("/"), include(_OF_A_VERIFICATION)),
]
