"""The texts that the borrower accepts or declines, by version and language, and their times.

A version is never edited: a new text is a new version.
Kazakh and Russian wording has not been proof-read by a lawyer or a native speaker; the README says
so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final


@dataclass(frozen=True)
class Texts:
    """All versions of one text, by language. current: the version in use."""

    current: str
    wordings: Mapping[str, Mapping[str, str]]

    def sha256(self, version: str, language: str) -> str:
        """SHA-256 of the wording shown, in lower-case hex.

        Raises: `KeyError` for an unknown version or language.
        """
        return sha256(self.wordings[version][language].encode()).hexdigest()


@dataclass(frozen=True)
class ConfirmationPolicy:
    """One question. version: of the text that must be accepted, or of the numbers.

    seconds: time to read and answer.
    """

    version: str
    seconds: int


_CONSENT_WORDINGS: Final = {
    # It covers all ways of identification and the questions before payout: data, sources, purpose,
    # time (law: O-50, O-53, O-58, O-80, O-81). It says that a program decides and can be wrong, and
    # whom to call (O-91, O-95). It promises no review of a refusal: the product has none.
    "2026-12-01": {
        "en": (
            "I agree that the lender named on this page and the operator of this service process "
            "my personal data, for this loan request only, to find out whether it is really I who "
            "asks for the loan, and whether the money may be paid out to me.\n\n"
            "Which data, depending on the law that applies to this request and on the way I "
            "choose: my name, date of birth, IIN and identity document, as the lender was given "
            "them and as the state register of people has them; whether I am alive, by that "
            "register; my phone number, a code sent to it by SMS, and from the register of mobile "
            "numbers whether the number is mine; my photo from the state register; pictures of my "
            "face, taken by the camera while I am on this page, and measurements of the face in "
            "them, which are biometric data; the name of the camera and numbers about its pictures "
            "and about how the device moves; the certificate of my electronic signature and what I "
            "sign with it; and what I answer here.\n\n"
            "Depending on the law that applies to this request and on the way I choose, the state "
            "register of people is asked who I am, whether I am alive, when I was born and which "
            "document I have. The state registers are asked only after I have also said yes to the "
            "SMS from 1414. My face is compared with the photo from the state register, and "
            "measurements of the pictures with those of earlier checks, so that a recording is "
            "found out; the pictures serve no other purpose.\n\n"
            "An automated program, not a person, checks my data and my signature and compares my "
            "face. It can be wrong. It can refuse me without a person: a person does not look at "
            "every request. Then no loan is paid out on this request. If I do not agree with a "
            "refusal, or cannot pass this check, I can call the lender at its telephone shown on "
            "this page and talk to a human being.\n\n"
            "Before the money is paid out, the lender and the operator ask a credit bureau whether "
            "I have refused all loans, and how much I borrowed online from other lenders that day; "
            "and they ask the bank or payment company of the account for this loan whether the "
            "account is mine. The bureau is told my IIN, the bank my IIN and the number of the "
            "account. What they answer is kept with this request.\n\n"
            "The record is kept as long as the law obliges the lender to: five years after the "
            "obligations under the loan have ended, or five years from this request if no loan is "
            "paid out. It is shown to the regulator on demand.\n\n"
            "I may decline, now or at any later step. Then nothing more is checked and no loan is "
            "paid out on this request."
        ),
        "ru": (
            "Я согласен(на), чтобы указанный на этой странице кредитор и оператор этого сервиса "
            "обрабатывали мои персональные данные только по этой заявке на заём, чтобы установить, "
            "что заём прошу действительно я и что деньги можно выплатить мне.\n\n"
            "Какие данные, в зависимости от закона, применимого к этой заявке, и от выбранного "
            "мной способа: моё имя, дата рождения, ИИН и документ, удостоверяющий личность, — как "
            "они сообщены кредитору и как они записаны в государственном реестре физических лиц; "
            "сведения этого реестра о том, жив(а) ли я; мой номер телефона, код, отправленный на "
            "него по SMS, и сведения реестра мобильных номеров о том, мой ли это номер; моё фото "
            "из государственного реестра; снимки моего лица, сделанные камерой, пока я нахожусь на "
            "этой странице, и измерения лица на них — это биометрические данные; название камеры и "
            "числовые сведения о её снимках и о движении устройства; сертификат моей электронной "
            "подписи и то, что я ею подпишу; а также мои ответы здесь.\n\n"
            "В зависимости от закона, применимого к этой заявке, и от выбранного мной способа у "
            "государственного реестра физических лиц запрашивается, кто я, жив(а) ли я, когда я "
            "родился(лась) и какой у меня документ. Запрос в государственные реестры делается, "
            "только если я отвечу согласием и на SMS с номера 1414. Моё лицо сравнивается с фото "
            "из государственного реестра, а измерения снимков — с измерениями прежних проверок, "
            "чтобы распознать запись; ни для чего другого снимки не используются.\n\n"
            "Автоматическая программа, а не человек, проверяет мои данные и подпись и сравнивает "
            "моё лицо. Она может ошибиться. Она может отказать мне без участия человека: человек "
            "смотрит не каждую заявку. Тогда заём по этой заявке не выдаётся. Если я не "
            "согласен(на) с отказом или не могу пройти эту проверку, я могу позвонить кредитору по "
            "его телефону, указанному на этой странице, и поговорить с человеком.\n\n"
            "Перед выплатой денег кредитор и оператор спрашивают кредитное бюро, отказался(лась) "
            "ли я от получения всех займов и сколько я в этот день занял(а) онлайн у других "
            "кредиторов, а банк или платёжную организацию, где открыт счёт для этого займа, — мой "
            "ли это счёт. Бюро сообщается мой ИИН, банку — мой ИИН и номер счёта. Их ответы "
            "хранятся вместе с этой заявкой.\n\n"
            "Запись хранится столько, сколько закон обязывает кредитора: пять лет после "
            "прекращения обязательств по займу, а если заём не выдан — пять лет со дня этой "
            "заявки. Она предоставляется регулятору по требованию.\n\n"
            "Я могу отказаться сейчас или на любом следующем шаге. Тогда больше ничего не "
            "проверяется, и заём по этой заявке не выдаётся."
        ),
        "kk": (
            "Осы парақта көрсетілген кредитор мен осы сервис операторының қарызды шынымен мен "
            "сұрап отырғанымды және ақшаны маған төлеуге болатын-болмайтынын анықтау үшін менің "
            "дербес деректерімді тек осы қарыз өтінімі бойынша өңдеуіне келісемін.\n\n"
            "Осы өтінімге қолданылатын заңға және мен таңдаған тәсілге қарай мына деректер "
            "өңделеді: атым, туған күнім, ЖСН және жеке басымды куәландыратын құжатым — кредиторға "
            "хабарланған және жеке тұлғалардың мемлекеттік тізілімінде жазылған күйінде; сол "
            "тізілімнің тірі екенім туралы мәліметі; телефон нөмірім, оған SMS арқылы жіберілген "
            "код және нөмірдің менікі ме екені туралы ұялы нөмірлер тізілімінің мәліметі; "
            "мемлекеттік тізілімдегі фотосуретім; мен осы парақта болғанымда камера түсірген "
            "жүзімнің суреттері және олардағы жүз өлшемдері — бұл биометриялық деректер; камераның "
            "атауы, оның суреттері мен құрылғының қозғалысы туралы сандық мәліметтер; электрондық "
            "қолтаңбамның сертификаты және онымен қол қойғаным; сондай-ақ осындағы жауаптарым.\n\n"
            "Осы өтінімге қолданылатын заңға және мен таңдаған тәсілге қарай жеке тұлғалардың "
            "мемлекеттік тізілімінен менің кім екенім, тірі екенім, туған күнім және құжатым "
            "туралы мәлімет сұралады. Мемлекеттік тізілімдерге сұрау 1414 нөмірінен келген SMS-ке "
            "де келісім бергенімнен кейін ғана жіберіледі. Жүзім мемлекеттік тізілімдегі "
            "фотосуретпен, ал суреттердің өлшемдері, жазбаны анықтау үшін, бұрынғы тексерулердің "
            "өлшемдерімен салыстырылады; суреттер басқа мақсатқа пайдаланылмайды.\n\n"
            "Деректерім мен қолтаңбамды адам емес, автоматты бағдарлама тексереді, жүзімді де сол "
            "салыстырады. Ол қателесуі мүмкін. Ол адамның қатысуынсыз теріс шешім шығара алады: "
            "адам әр өтінімді қарап шықпайды. Онда осы өтінім бойынша қарыз берілмейді. Теріс "
            "шешіммен келіспесем немесе осы тексеруден өте алмасам, осы парақта көрсетілген "
            "телефон нөмірі бойынша кредиторға қоңырау шалып, адаммен сөйлесе аламын.\n\n"
            "Ақша төленер алдында кредитор мен оператор кредиттік бюродан менің кез келген қарыз "
            "алудан бас тартқан-тартпағанымды және сол күні басқа кредиторлардан онлайн қанша "
            "қарыз алғанымды, ал осы қарызға арналған шот ашылған банктен немесе төлем ұйымынан "
            "шоттың менікі ме екенін сұрайды. Бюроға ЖСН-ім, банкке ЖСН-ім мен шоттың нөмірі "
            "хабарланады. Олардың жауаптары осы өтініммен бірге сақталады.\n\n"
            "Жазба заң кредиторды міндеттейтін мерзім бойы сақталады: қарыз бойынша міндеттемелер "
            "тоқтатылғаннан кейін бес жыл, ал қарыз берілмесе — осы өтінім күнінен бастап бес жыл. "
            "Ол реттеушіге талабы бойынша ұсынылады.\n\n"
            "Мен қазір немесе кейінгі кез келген қадамда бас тарта аламын. Онда бұдан әрі ештеңе "
            "тексерілмейді және осы өтінім бойынша қарыз берілмейді."
        ),
    },
}
CONSENT_CURRENT: Final = "2026-12-01"
CONSENT: Final = Texts(current=CONSENT_CURRENT, wordings=_CONSENT_WORDINGS)
NAMES_PAYOUT: Final = frozenset({"2026-12-01"})
"""Versions whose text names the questions to a credit bureau and a bank before payout."""

_RENEWAL_WORDINGS: Final = {
    "2026-11-28": {
        "en": (
            "I had time to think it over. I want to receive the money of this loan, for the purpose"
            " and into the account that are named on this page. Nobody makes me do so."
        ),
        "ru": (
            "У меня было время подумать. Я хочу получить деньги по этому займу на цель и на счёт,"
            " указанные на этой странице. Никто меня к этому не принуждает."
        ),
        "kk": (
            "Ойлануға уақытым болды. Осы қарыздың ақшасын осы бетте көрсетілген мақсатқа және шотқа"
            " алғым келеді. Мені бұған ешкім мәжбүрлеп отырған жоқ."
        ),
    },
}
# Kazakh names the page by the word of all pages: the other one also means a face.
_RENEWAL_WORDINGS_2: Final = {
    "2026-12-02": {
        **_RENEWAL_WORDINGS["2026-11-28"],
        "kk": (
            "Ойлануға уақытым болды. Осы қарыздың ақшасын осы парақта көрсетілген мақсатқа және"
            " шотқа алғым келеді. Мені бұған ешкім мәжбүрлеп отырған жоқ."
        ),
    },
}
RENEWAL: Final = Texts(current="2026-12-02", wordings={**_RENEWAL_WORDINGS, **_RENEWAL_WORDINGS_2})

# Times in seconds, ours: to read and decide half an hour; one tap is quick.
CONSENT_POLICY: Final = ConfirmationPolicy(version=CONSENT.current, seconds=30 * 60)
QUESTION_POLICY: Final = ConfirmationPolicy(version="question-2026-11", seconds=10 * 60)
RENEWAL_POLICY: Final = ConfirmationPolicy(version=RENEWAL.current, seconds=30 * 60)
