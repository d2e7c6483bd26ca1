"""Three calls that fail, and what a program does about it.

Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.
"""

import logging
from typing import Any

import resayil


class Told(logging.Handler):
    """Retries are on by default, and logged. This prints them."""

    def emit(self, record: logging.LogRecord) -> None:
        event: Any = record
        if event.levelno == logging.WARNING and event.delay is not None:
            print(f"{event.kind}: trying again in {event.delay:.1f} s")


logging.getLogger("resayil").addHandler(Told())
client = resayil.Client()
question = {"role": "user", "content": "What is a quota?"}

# A refusal for quota: the client waits as long as the server says, and sends it again.
answer = client.chat.completions.create(model="llama3.2:3b", messages=[question])
print(f"answer after {answer.attempts} attempts: {answer.choices[0].message.content}")

# A field is invalid: nothing to retry, but the server says which one.
try:
    client.chat.completions.create(model="llama3.2:3b", messages=[question], temperature=9.0)
except resayil.UnprocessableEntityError as error:
    for field, messages in error.field_errors.items():
        print(f"{error.kind}: {field}: {' '.join(messages)}")

# No credits are left: say so in words for the user, and act on the advice.
try:
    client.chat.completions.create(model="llama3.2:3b", messages=[question])
except resayil.PaymentRequiredError as error:
    print(f"{error.kind}: {error.user_message}")
    for step in error.advice:
        print(f"- {step}")
