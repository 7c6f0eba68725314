"""The question and its answer over HTTP, for the page and for links alike: evidence as of now, then a person's word."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

from ramp import words
from ramp.page import deciding, forms, markup
from ramp.page.answering import NOT_OURS, WHO_AND_WHY, Http, cookie, html, posted, signer, told
from ramp.page.answering import see as look_at
from ramp.page.check_rows import rows
from ramp.page.desk import Desk
from ramp.page.records import Records
from ramp.page.view import ramp_view

CHANGED = {
    "title": "Changed since you looked",
    "text": "Nothing was approved yet. Look at the new numbers below, then confirm.",
}


def links_of(ramp: str) -> dict[str, str]:
    """The addresses of one ramp."""
    return {"base": f"/ramps/{ramp}", "decide": f"/ramps/{ramp}/decide"}


def form_for(app: LambdaFunctionUrlResolver, desk: Desk, purpose: str) -> dict[str, Any]:
    """A form's value and the cookie that it is made with."""
    made_with = cookie(app) or desk.random_id()
    return {"cookie": made_with, "form": forms.value(made_with, purpose)}


def decide_page(
    app: LambdaFunctionUrlResolver,
    desk: Desk,
    records: Records,
    action: str,
    *,
    home: bool,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Http:
    """The question with the evidence as of now; `typed` when it is asked again because the evidence has changed."""
    appraisal = deciding.appraise(desk, records, desk.now())
    view = ramp_view(records, desk.now())
    return html(
        "decide.html",
        status,
        **form_for(app, desk, action),
        ramp=view,
        links=links_of(view.ramp) if home else None,
        home=home,
        action=action,
        alert=CHANGED if typed else None,
        confirming=bool(typed),
        checks=rows(appraisal.shown()),
        if_yes=appraisal.if_yes,
        seen=appraisal.seen,
        by=typed["by"] if typed else "",
        reason=typed["reason"] if typed else "",
        chart_data=markup.chart_data(view),
    )


def decided(
    app: LambdaFunctionUrlResolver, desk: Desk, records: Records, action: str, after: str, *, home: bool
) -> Http:
    """A person's word about the question that the form was about."""
    sent = posted(app, action)
    if sent is None:
        return told(403, *NOT_OURS, tone="bad", home=home)
    said, word = forms.who_and_why(sent, signer(app)), sent.get("answer")
    if said is None or word not in {"approve", "reject"}:
        return told(400, *WHO_AND_WHY, tone="bad", home=home)
    back = {"href": after, "text": "Look at the ramp"} if home else None
    if word == "approve" and records.open_request:
        appraisal = deciding.appraise(desk, records, desk.now())
        if refusal := appraisal.refusal:
            why = (f"It has turned bad since: {refusal}.", "The ramp acts on it at its next look.")
            return told(409, "Not approved", *why, tone="bad", home=home, back=back)
        if appraisal.seen != sent.get("seen"):
            return decide_page(app, desk, records, action, home=home, typed=sent, status=409)
    try:
        deciding.answer(desk, records, sent.get("request_id", ""), word, *said, via="page" if home else "link")
    except words.WordRefusedError as refused:
        answered = "answer" in (desk.table.request(records.state.ramp) or {})
        title = "Somebody was faster" if answered else "This is not asked any more"
        return told(409, title, f"{refused}.", "Your click changed nothing.", home=home, back=back)
    return look_at(after)
