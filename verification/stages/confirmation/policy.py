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
    # whom to call (O-91, O-95), who looks at pictures (O-88), and how to withdraw, block and see
    # (O-82). It promises no review of a refusal: the product has none.
    # docs/security/promises.md names the code and the test of each promise.
    "2026-12-03": {
        "en": (
            "I agree that the lender named on this page and the operator of this service process "
            "my personal data for this loan request. The purpose: to find out whether it is really "
            "I who asks for the loan, and whether the money may be paid out to me.\n\n"
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
            "SMS from 1414. My face is compared with the photo from the state register. "
            "Measurements of the pictures are compared with those of earlier and later checks, so "
            "that a recording is found out. The pictures serve no other purpose. My attempts and "
            "loans of a day are counted by a code computed from my IIN.\n\n"
            "An automated program, not a person, checks my data and my signature and compares my "
            "face. It can be wrong. It can refuse me without a person: a person does not look at "
            "every request. Then no loan is paid out on this request. If I do not agree with a "
            "refusal, or cannot pass this check, I can call the lender at its telephone shown on "
            "this page and talk to a human being.\n\n"
            "If the program leaves the decision to people, employees of the lender look at my "
            "pictures and at the photo from the register. Once they have decided, the pictures are "
            "no longer shown to them. Some pictures of my face belong to the signed document of "
            "the check with the camera. The lender can download that document. It is shown to the "
            "regulator on demand, with these pictures. The regulator can read the record of every "
            "check. Each look and each download in this service is recorded: who, and when.\n\n"
            "Before the money is paid out, the lender and the operator ask a credit bureau whether "
            "I have refused all loans, and how much I borrowed online from other lenders that day; "
            "and they ask the bank or payment company of the account for this loan whether the "
            "account is mine. The bureau is told my IIN, the bank my IIN and the number of the "
            "account. What they answer is kept with this request.\n\n"
            "Pictures of the camera that do not belong to the signed document are destroyed 72 "
            "hours after the end of this request. They stay as long as the record if the loan is "
            "disputed, if I was refused because of signs that the camera was deceived, or if I "
            "said that another person tells me what to do. The record is kept as long as the law "
            "obliges the lender to: five years after the obligations under the loan have ended, or "
            "five years from this request if no loan is paid out. A dispute starts the five years "
            "anew. Then my data and pictures are erased, those of the signed document too. The "
            "signed log of times and results stays, with codes computed from my IIN and account: "
            "by the operator's key an IIN can be recognised from its code. The erasure does not "
            "reach backups of the operator; after a restore from one, my data are erased again.\n\n"
            "I may decline, now or at any later step. Then nothing more is checked and no loan is "
            "paid out on this request. Later too, I can withdraw this consent, ask that my data be "
            "blocked, and see what is held about me: on the page /mine of this site, with my "
            "electronic signature. Without one I ask the operator of this service. While they are "
            "blocked, the lender reads my data only as long as a loan that is paid out, or still "
            "may be, rests on them. If I withdraw before the money is paid out, no money is paid "
            "out on this request. If I withdraw after it, the withdrawal is recorded and my data "
            "are blocked; it does not end the credit. The record is then, too, kept as long as the "
            "law obliges the lender to."
        ),
        "ru": (
            "Я согласен(на), чтобы указанный на этой странице кредитор и оператор этого сервиса "
            "обрабатывали мои персональные данные по этой заявке на заём. Цель: установить, что "
            "заём прошу действительно я и что деньги можно выплатить мне.\n\n"
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
            "из государственного реестра. Измерения снимков сравниваются с измерениями прежних и "
            "следующих проверок, чтобы распознать запись. Ни для чего другого снимки не "
            "используются. Мои попытки и займы за день считаются по коду, вычисленному из моего "
            "ИИН.\n\n"
            "Автоматическая программа, а не человек, проверяет мои данные и подпись и сравнивает "
            "моё лицо. Она может ошибиться. Она может отказать мне без участия человека: человек "
            "смотрит не каждую заявку. Тогда заём по этой заявке не выдаётся. Если я не "
            "согласен(на) с отказом или не могу пройти эту проверку, я могу позвонить кредитору по "
            "его телефону, указанному на этой странице, и поговорить с человеком.\n\n"
            "Если программа оставляет решение людям, мои снимки и фото из реестра смотрят "
            "сотрудники кредитора. Когда они решили, снимки им больше не показываются. Несколько "
            "снимков моего лица относятся к подписанному документу о проверке с камерой. Кредитор "
            "может скачать этот документ. Вместе с этими снимками он предоставляется регулятору по "
            "требованию. Регулятор может читать запись о каждой проверке. Каждый просмотр и каждое "
            "скачивание в этом сервисе записываются: кто и когда.\n\n"
            "Перед выплатой денег кредитор и оператор спрашивают кредитное бюро, отказался(лась) "
            "ли я от получения всех займов и сколько я в этот день занял(а) онлайн у других "
            "кредиторов, а банк или платёжную организацию, где открыт счёт для этого займа, — мой "
            "ли это счёт. Бюро сообщается мой ИИН, банку — мой ИИН и номер счёта. Их ответы "
            "хранятся вместе с этой заявкой.\n\n"
            "Снимки камеры, которые не относятся к подписанному документу, уничтожаются через 72 "
            "часа после окончания этой заявки. Они хранятся столько же, сколько запись, если заём "
            "оспорен, если мне отказано из-за признаков обмана камеры, или если я сообщил(а), что "
            "другой человек подсказывает мне, что делать. Запись хранится столько, сколько закон "
            "обязывает кредитора: пять лет после прекращения обязательств по займу, а если заём не "
            "выдан — пять лет со дня этой заявки. Спор начинает эти пять лет заново. Затем мои "
            "данные и снимки уничтожаются, в том числе относящиеся к подписанному документу. "
            "Остаётся подписанный журнал времени и результатов с кодами, вычисленными из моего ИИН "
            "и счёта: с ключом оператора по коду можно узнать ИИН. Резервных копий оператора "
            "уничтожение не касается; после восстановления из копии мои данные уничтожаются "
            "снова.\n\n"
            "Я могу отказаться сейчас или на любом следующем шаге. Тогда больше ничего не "
            "проверяется, и заём по этой заявке не выдаётся. И позже я могу отозвать это согласие, "
            "попросить заблокировать мои данные и увидеть, что обо мне хранится: на странице /mine "
            "этого сайта с моей электронной подписью. Без неё я обращаюсь к оператору этого "
            "сервиса. Пока данные заблокированы, кредитор читает их, только если на них держится "
            "заём, который выдан или ещё может быть выдан. Если я отзову согласие до выплаты "
            "денег, по этой заявке они не выплачиваются. Если я отзову его после выплаты, отзыв "
            "записывается, а мои данные блокируются; займ это не прекращает. Запись и тогда "
            "хранится столько, сколько закон обязывает кредитора."
        ),
        "kk": (
            "Осы парақта көрсетілген кредитор мен осы сервис операторының менің дербес "
            "деректерімді осы қарыз өтінімі бойынша өңдеуіне келісемін. Мақсаты: қарызды шынымен "
            "мен сұрап отырғанымды және ақшаны маған төлеуге болатын-болмайтынын анықтау.\n\n"
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
            "фотосуретпен салыстырылады. Суреттердің өлшемдері, жазбаны анықтау үшін, бұрынғы және "
            "кейінгі тексерулердің өлшемдерімен салыстырылады. Суреттер басқа мақсатқа "
            "пайдаланылмайды. Бір күндегі талпыныстарым мен қарыздарым ЖСН-імнен есептелген код "
            "бойынша саналады.\n\n"
            "Деректерім мен қолтаңбамды адам емес, автоматты бағдарлама тексереді, жүзімді де сол "
            "салыстырады. Ол қателесуі мүмкін. Ол адамның қатысуынсыз теріс шешім шығара алады: "
            "адам әр өтінімді қарап шықпайды. Онда осы өтінім бойынша қарыз берілмейді. Теріс "
            "шешіммен келіспесем немесе осы тексеруден өте алмасам, осы парақта көрсетілген "
            "телефон нөмірі бойынша кредиторға қоңырау шалып, адаммен сөйлесе аламын.\n\n"
            "Бағдарлама шешімді адамдарға қалдырса, суреттерім мен тізілімдегі фотосуретті "
            "кредитордың қызметкерлері қарайды. Олар шешім шығарғаннан кейін суреттер оларға "
            "көрсетілмейді. Жүзімнің бірнеше суреті камерамен тексеру туралы қол қойылған құжатқа "
            "жатады. Кредитор бұл құжатты жүктеп ала алады. Ол осы суреттермен бірге реттеушіге "
            "талабы бойынша ұсынылады. Реттеуші әр тексеру туралы жазбаны оқи алады. Осы "
            "сервистегі әр қарау мен әр жүктеп алу жазылады: кім және қашан.\n\n"
            "Ақша төленер алдында кредитор мен оператор кредиттік бюродан менің кез келген қарыз "
            "алудан бас тартқан-тартпағанымды және сол күні басқа кредиторлардан онлайн қанша "
            "қарыз алғанымды, ал осы қарызға арналған шот ашылған банктен немесе төлем ұйымынан "
            "шоттың менікі ме екенін сұрайды. Бюроға ЖСН-ім, банкке ЖСН-ім мен шоттың нөмірі "
            "хабарланады. Олардың жауаптары осы өтініммен бірге сақталады.\n\n"
            "Камераның қол қойылған құжатқа жатпайтын суреттері осы өтінім аяқталғаннан кейін 72 "
            "сағаттан соң жойылады. Егер қарыз дауланса, камераны алдау белгілері үшін маған теріс "
            "шешім шығарылса немесе басқа адам маған не істеу керегін айтып отырғанын хабарласам, "
            "олар жазба сақталатын мерзім бойы сақталады. Жазба заң кредиторды міндеттейтін мерзім "
            "бойы сақталады: қарыз бойынша міндеттемелер тоқтатылғаннан кейін бес жыл, ал қарыз "
            "берілмесе — осы өтінім күнінен бастап бес жыл. Дау осы бес жылды жаңадан бастайды. "
            "Содан кейін деректерім мен суреттерім, қол қойылған құжатқа жататындары да, жойылады. "
            "Уақыттар мен нәтижелердің қол қойылған журналы ЖСН-ім мен шотымнан есептелген "
            "кодтармен бірге қалады: оператордың кілтімен код бойынша ЖСН-ді тануға болады. Жою "
            "оператордың резервтік көшірмелеріне жетпейді; көшірмеден қалпына келтірілгеннен кейін "
            "деректерім қайтадан жойылады.\n\n"
            "Мен қазір немесе кейінгі кез келген қадамда бас тарта аламын. Онда бұдан әрі ештеңе "
            "тексерілмейді және осы өтінім бойынша қарыз берілмейді. Кейін де осы келісімді "
            "қайтарып ала аламын, деректерімді бұғаттауды сұрай аламын және мен туралы не "
            "сақталғанын көре аламын: осы сайттың /mine парағында электрондық қолтаңбаммен. Ол "
            "болмаса, осы сервистің операторына жүгінемін. Деректерім бұғатталып тұрғанда, "
            "кредитор оларды берілген немесе әлі берілуі мүмкін қарыз соларға сүйенсе ғана оқиды. "
            "Келісімді ақша төленгенге дейін қайтарып алсам, осы өтінім бойынша ақша төленбейді. "
            "Төленгеннен кейін қайтарып алсам, бұл жазылады, ал деректерім бұғатталады; қарыз "
            "мұнымен тоқтатылмайды. Жазба онда да заң кредиторды міндеттейтін мерзім бойы "
            "сақталады."
        ),
    },
}
CONSENT_CURRENT: Final = "2026-12-03"
CONSENT: Final = Texts(current=CONSENT_CURRENT, wordings=_CONSENT_WORDINGS)
NAMES_PAYOUT: Final = frozenset({"2026-12-03"})
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
