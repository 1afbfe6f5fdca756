"""The consent the borrower gives, by version and language. A version is never edited: a new text is a new version.

Kazakh and Russian wording has not been proof-read by a lawyer or a native speaker; the README says so.
"""

from hashlib import sha256

CURRENT = "2026-11"

TEXTS = {
    "2026-11": {
        "en": (
            "I agree that the lender named on this page and the operator of this service process my personal "
            "data, including my IIN and the data of my electronic signature certificate, to identify me for "
            "this loan request only, keep the record for the time the law requires, and show it to the "
            "regulator on demand. I may decline; then no loan is paid out on this request."
        ),
        "ru": (
            "Я согласен(на), чтобы указанный на этой странице кредитор и оператор сервиса обрабатывали мои "
            "персональные данные, включая ИИН и данные сертификата моей электронной подписи, только для "
            "идентификации по этой заявке на заём, хранили запись в течение срока, установленного законом, и "
            "предоставляли её регулятору по требованию. Я могу отказаться; тогда заём по этой заявке не "
            "будет выдан."
        ),
        "kk": (
            "Осы бетте көрсетілген кредитор мен сервис операторының менің дербес деректерімді, соның ішінде "
            "ЖСН мен электрондық қолтаңба сертификатының деректерін, тек осы қарыз өтінімі бойынша мені "
            "сәйкестендіру үшін өңдеуіне, жазбаны заңда белгіленген мерзім ішінде сақтауына және реттеушінің "
            "талабы бойынша оған ұсынуына келісемін. Мен бас тарта аламын; онда осы өтінім бойынша қарыз "
            "берілмейді."
        ),
    },
}


def text(version: str, language: str) -> str:
    """The wording of a version in kk, ru or en; raises `KeyError` for another."""
    return TEXTS[version][language]


def text_sha256(version: str, language: str) -> str:
    """SHA-256 of the wording shown, in lower-case hex."""
    return sha256(text(version, language).encode()).hexdigest()
