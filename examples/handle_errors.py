"""Three calls that fail, and what a program does about it.

Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.
"""

import logging
from typing import Any

import resayil


class Retries(logging.Handler):
    """Tells about retries, which are on by default and logged as `resayil`."""

    def emit(self, record: logging.LogRecord) -> None:
        event: Any = record
        if event.delay is not None:
            print(f"{event.kind}: trying again in {event.delay:.1f} s")


def main() -> None:
    logging.getLogger("resayil").addHandler(Retries(logging.WARNING))
    client = resayil.Client()

    def ask(**params: Any) -> resayil.ChatCompletion:
        question = {"role": "user", "content": "What is a quota?"}
        return client.chat.completions.create(
            model="llama3.2:3b", messages=[question], **params
        )

    # A refusal for quota: the client waits as long as the server says, and sends it again.
    answer = ask()
    print(f"answer after {answer.attempts} attempts: {answer.choices[0].message.content}")

    # A field is invalid: nothing to retry, but the server says which one.
    try:
        ask(temperature=9)
    except resayil.UnprocessableEntityError as error:
        for field, messages in error.field_errors.items():
            print(f"{error.kind}: {field}: {' '.join(messages)}")

    # No credits are left: say so in words for the user, and act on the advice.
    try:
        ask()
    except resayil.PaymentRequiredError as error:
        print(f"{error.kind}: {error.user_message}")
        for step in error.advice:
            print(f"- {step}")


if __name__ == "__main__":
    main()
