"""What schemathesis is told beside the document: it changes requests before they are sent."""

import re

import schemathesis

# Where nobody listens: the addresses that are made up may be somebody's.
NOWHERE = "http://127.0.0.1:9/"
# A pattern does not tell of each base64 that it is none.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET_PATTERN = re.compile("whsec_[A-Za-z0-9+/]{32,86}={0,2}")
CONTROLS = re.compile("[\x00-\x1f\x7f]")


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.definition.raw.get("operationId") == "addWebhook" and isinstance(case.body, dict):
        send_nowhere(case.body)
    # A head with control characters is no HTTP (RFC 9110 5.5): the connection answers 400 by itself, without a body.
    for name, value in (case.headers or {}).items():
        case.headers[name] = CONTROLS.sub("", str(value))


def send_nowhere(webhook):
    """No message of a webhook leaves this machine."""
    if re.match("https?://", str(webhook.get("url"))):
        webhook["url"] = NOWHERE
    if SECRET_PATTERN.fullmatch(str(webhook.get("secret"))):
        webhook["secret"] = SECRET
