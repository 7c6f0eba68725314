"""What is asked for: the page of signed-in people, and the one question that a link leads to.

GET never decides, so a mail scanner that follows links answers nothing; POST with a form of ours does.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

from ramp import words
from ramp.adapters.brake import NotTakenBack
from ramp.core.verdict import Verb
from ramp.page import fields, forms, links, markup
from ramp.page.answering import AWAY, NOT_OURS, WHO_AND_WHY, Http, assets, data, html, posted, see, signer, told
from ramp.page.decision import decide_page, decided, form_for, links_of
from ramp.page.desk import Desk
from ramp.page.looks import Looks
from ramp.page.records import Records, read
from ramp.page.view import Listed, listed, ramp_view

RAMPS_LISTED = 50
NO_STEP = -1  # of a form that names none
EFFECTS: Mapping[str, str] = {
    "pause": "The share stays where it is until somebody resumes. What is proven wrong still rolls back.",
    "resume": "The ramp goes on from its next look.",
    "advance": "The rest of this step's bake is skipped at the next look. A proven doubt is asked about all the same.",
    "abort": "Every user goes back to control at once, and the ramp ends as rolled back. It cannot be taken up again.",
    "undo": "Every user goes back to control, although the ramp was promoted. The records keep both.",
}


def page_app(desk: Desk) -> LambdaFunctionUrlResolver:
    """The page. Who may read it is the function URL's own question (AWS_IAM)."""
    app = _app(desk)
    page = _Page(app, desk)
    app.get("/")(page.home)
    app.get("/live")(page.live_list)
    app.get("/ramps/<ramp>")(page.ramp)
    app.get("/ramps/<ramp>/live")(page.live)
    app.get("/ramps/<ramp>/differences")(page.differences)
    app.get("/ramps/<ramp>/decide")(page.question)
    app.post("/ramps/<ramp>/decide")(page.decide)
    app.get("/ramps/<ramp>/<verb>")(page.verb)
    app.post("/ramps/<ramp>/<verb>")(page.say)
    return app


def link_app(desk: Desk) -> LambdaFunctionUrlResolver:
    """The public address of the links in messages: one question each, and nothing else."""
    app = _app(desk)
    link = _Link(app, desk)
    app.get("/link/<link_id>")(link.question)
    app.post("/link/<link_id>")(link.decide)
    return app


class _Page:
    def __init__(self, app: LambdaFunctionUrlResolver, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._looks = Looks(desk.table)

    def home(self) -> Http:
        return html("list.html", ramps=self._listed(), flags=self._desk.flags)

    def live_list(self) -> Http:
        ramps = markup.page("_list.html", ramps=self._listed())
        return data({"sections": {"list": ramps}, "news": "", "ended": False})

    def ramp(self, ramp: str) -> Http:
        if (records := self._read(ramp)) is None:
            return _no_ramp(ramp)
        view = ramp_view(records, self._desk.now())
        return html("ramp.html", ramp=view, links=links_of(ramp), chart_data=markup.chart_data(view))

    def live(self, ramp: str) -> Http:
        """What a page that is open already puts in place anew; the charts only when they are others."""
        if (records := self._read(ramp)) is None:
            return _no_ramp(ramp)
        view = ramp_view(records, self._desk.now())
        version = f"{view.phase}-{view.step_number}-{view.looks}"
        has_them = self._app.current_event.get_query_string_value("charts", "") == version
        return data(
            {
                "sections": markup.sections(view, links_of(ramp)),
                "charts": None if has_them else markup.chart_data(view),
                "charts_version": version,
                "title": f"{view.ramp}: {view.word} at {view.share}",
                "news": f"{view.ramp} {view.word} at {view.share}: {view.sentence}",
                "ended": not view.is_running,
            }
        )

    def differences(self, ramp: str) -> Http:
        if (records := self._read(ramp)) is None:
            return _no_ramp(ramp)
        return html("_fields.html", fields=fields.read(self._desk.comparisons, records))

    def question(self, ramp: str) -> Http:
        if (records := self._read(ramp)) is None:
            return _no_ramp(ramp)
        if records.open_request is None:
            return told(409, "Nothing is asked at the moment", f"{records.reason}.", back=_back(ramp))
        return decide_page(self._app, self._desk, records, links_of(ramp)["decide"], home=True)

    def decide(self, ramp: str) -> Http:
        if (records := self._read(ramp)) is None:
            return _no_ramp(ramp)
        where = links_of(ramp)
        return decided(self._app, self._desk, records, where["decide"], where["base"], home=True)

    def verb(self, ramp: str, verb: str) -> Http:
        """Asks for name and reason; what it then posts is `say`."""
        if (records := self._read(ramp)) is None or verb not in EFFECTS:
            return _no_ramp(ramp)
        form = form_for(self._app, self._desk, f"/ramps/{ramp}/{verb}")
        view = ramp_view(records, self._desk.now())
        return html("verb.html", **form, ramp=view, links=links_of(ramp), verb=verb, effect=EFFECTS[verb])

    def say(self, ramp: str, verb: str) -> Http:
        """An operator's verb, as the command says it."""
        if verb not in EFFECTS:
            return _no_ramp(ramp)
        sent = posted(self._app, f"/ramps/{ramp}/{verb}")
        if sent is None:
            return told(403, *NOT_OURS, tone="bad")
        if (said := forms.who_and_why(sent, signer(self._app))) is None:
            return told(400, *WHO_AND_WHY, tone="bad")
        take_back = {"abort": self._desk.brake.pull, "undo": self._desk.brake.undo}.get(verb)
        if take_back is None:
            return self._say(ramp, Verb(verb), sent.get("step", ""), *said)
        try:
            take_back(ramp, *said, "page")
        except NotTakenBack as why:
            return told(409, "Not done", str(why), tone="bad", back=_back(ramp))
        return see(f"/ramps/{ramp}")

    def _say(self, ramp: str, verb: Verb, step_number: str, by: str, reason: str) -> Http:
        """The word of somebody who saw the ramp at the step with this number."""
        desk = self._desk
        if (records := self._read(ramp)) is None:
            return _no_ramp(ramp)
        view = ramp_view(records, desk.now())
        if verb not in view.verbs:
            why = f"{ramp} is at {view.step_title}, and there is no {verb} while it is {view.word}."
            return told(409, "Not now", why, back=_back(ramp))
        said: dict[str, Any] = {"by": by, "reason": reason, "via": "page", "now": desk.now()}
        step = int(step_number) - 1 if step_number.isdecimal() else NO_STEP
        try:
            words.say(desk.table, desk.executions, ramp, verb, **said, step=step)
        except words.WordRefusedError as refused:
            return told(409, "Not now", f"{refused}.", back=_back(ramp))
        return see(f"/ramps/{ramp}")

    def _read(self, ramp: str) -> Records | None:
        return read(self._desk.table, ramp, self._looks)

    def _listed(self) -> tuple[Listed, ...]:
        items = [
            {**item, "flag": flag} for flag in self._desk.flags for item in self._desk.table.listed(flag, RAMPS_LISTED)
        ]
        return listed(items, self._desk.now())


class _Link:
    def __init__(self, app: LambdaFunctionUrlResolver, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._looks = Looks(desk.table)

    def question(self, link_id: str) -> Http:
        records, dead = self._follow(link_id)
        if dead or records is None:
            return _dead(dead or links.UNKNOWN)
        return decide_page(self._app, self._desk, records, f"/link/{link_id}", home=False)

    def decide(self, link_id: str) -> Http:
        records, dead = self._follow(link_id)
        if dead or records is None:
            return _dead(dead or links.UNKNOWN)
        here = f"/link/{link_id}"
        return decided(self._app, self._desk, records, here, here, home=False)

    def _follow(self, link_id: str) -> tuple[Records | None, links.Dead | None]:
        link = self._desk.table.link(link_id)
        if link is None:
            return None, links.UNKNOWN
        records = read(self._desk.table, str(link["ramp"]), self._looks)
        return records, links.dead(link, records, self._desk.now())


def _app(desk: Desk) -> LambdaFunctionUrlResolver:
    app = LambdaFunctionUrlResolver()
    assets(app)
    app.exception_handler([*desk.troubles])(_away)
    app.not_found(_not_found)
    return app


def _away(_: Exception) -> Http:
    return told(503, *AWAY, tone="bad", home=False)


def _not_found(_: Exception) -> Http:
    return told(404, "There is no such page", home=False)


def _no_ramp(ramp: str) -> Http:
    why = f"{ramp} was refused before it began, or its records have expired."
    return told(404, "There is no such ramp", why, back={"href": "/", "text": "All ramps"})


def _dead(dead: links.Dead) -> Http:
    return told(dead.status, dead.title, *dead.lines, tone=dead.tone, home=False)


def _back(ramp: str) -> dict[str, str]:
    return {"href": f"/ramps/{ramp}", "text": "Look at the ramp"}
