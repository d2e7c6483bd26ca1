from __future__ import annotations

import pytest
import resayil

HI = 'data: {"choices":[{"delta":{"content":"Hi م"},"finish_reason":null}]}\r\n\r\n'.encode()
STOP = b'data: {"choices":[{"delta":[],"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def test_texts_come_as_they_arrive() -> None:
    decoder = resayil.StreamDecoder()
    texts = [text for byte in HI + STOP + DONE for text in decoder.feed(bytes([byte]))]
    assert texts == ["Hi م"] == [decoder.partial_text]
    assert decoder.is_finished and decoder.has_delivered and decoder.finish_reason == "stop"
    assert decoder.finish() == ("complete", None)
    for again in (lambda: decoder.finish(), lambda: decoder.feed(b"x")):
        with pytest.raises(RuntimeError, match="finished before"):
            again()


def test_a_cut_stream_is_truncated() -> None:
    headers = {"X-Request-Id": "req_1"}
    decoder = resayil.StreamDecoder(provider="resayil", headers=headers)
    assert decoder.feed(HI) == ["Hi م"]
    terminal, error = decoder.finish(now=1741305555.0)
    assert terminal == "truncated" and isinstance(error, resayil.APIConnectionError)
    assert (error.partial_text, error.safe_to_replay) == ("Hi م", False)
    assert (error.request_id, error.provider) == ("req_1", "resayil")
    decision = resayil.RetryPolicy().start(0.0).on_error(error, 0.0)
    assert decision.reason == "delivered"


def test_an_error_inside_a_stream() -> None:
    decoder = resayil.StreamDecoder()
    decoder.feed(memoryview(b'data: {"error":{"message":"slow down","code":429}}\n\n'))
    terminal, error = decoder.finish()
    assert terminal == "error" and isinstance(error, resayil.RateLimitError)
    assert error.safe_to_replay and error.status == 429


def test_a_whole_stream_at_once() -> None:
    assert resayil.classify_stream(200, {}, HI + STOP + DONE) == ("complete", "Hi م", None)
    result = resayil.classify_stream(200, {}, HI, provider="openai")
    assert (result.terminal, result.text) == ("truncated", "Hi م")
    result = resayil.classify_stream(429, {"Retry-After": "3"}, b"slow", now=0.0)
    assert (result.terminal, result.text) == ("error", "")
    assert isinstance(result.error, resayil.RateLimitError) and result.error.retry_after == 3.0


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match="data has to be bytes"):
        resayil.StreamDecoder().feed(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown provider"):
        resayil.StreamDecoder(provider="acme")
    with pytest.raises(TypeError, match="headers has to be"):
        resayil.StreamDecoder(headers=7)  # type: ignore[arg-type]
