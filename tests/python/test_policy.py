from __future__ import annotations

import copy
import inspect
import pickle
import sys
from typing import Any

import pytest
import resayil
from resayil import _native

SERVER = resayil.InternalServerError("down", status=500)


def test_the_defaults_are_those_of_the_documentation() -> None:
    policy = resayil.RetryPolicy()
    assert (policy.max_attempts, policy.deadline, policy.max_quota_waits) == (5, None, 20)
    assert (policy.base_delay, policy.factor, policy.max_delay) == (1.0, 2.0, 60.0)
    assert (policy.max_hint, policy.jitter, policy.retry_ambiguous) == (120.0, "equal", True)
    assert policy.retry_kinds == {}
    if sys.version_info < (3, 10):
        return  # It finds no signature of a class that is not written in Python.
    signature = inspect.signature(resayil.RetryPolicy)
    for name, parameter in signature.parameters.items():
        expected = None if name == "retry_kinds" else getattr(policy, name)
        assert parameter.default == expected, name


def test_policies_are_values() -> None:
    policy = resayil.RetryPolicy(3, deadline=90, jitter="none", retry_kinds={"server": False})
    assert repr(policy) == (
        "RetryPolicy(max_attempts=3, deadline=90.0, jitter='none', retry_kinds={'server': False})"
    )
    assert policy == eval(repr(policy), {"RetryPolicy": resayil.RetryPolicy})
    assert policy != resayil.RetryPolicy(3) and hash(policy) == hash(copy.copy(policy))
    assert pickle.loads(pickle.dumps(policy)) == policy == copy.deepcopy(policy)
    assert policy.replace(deadline=None).deadline is None
    assert policy.replace(max_attempts=4).jitter == "none"
    with pytest.raises(AttributeError):
        policy.max_attempts = 7  # type: ignore[misc]
    assert resayil.RetryPolicy.none().max_attempts == 1
    patient = resayil.RetryPolicy.patient()
    assert (patient.max_attempts, patient.patience) == (10, 86_400.0)
    assert pickle.loads(pickle.dumps(patient)) == patient
    assert patient.replace(max_attempts=3).patience == 86_400.0
    assert resayil.RetryPolicy.aggressive().max_delay == 4.0
    assert resayil.RetryPolicy.openai().jitter == "quarter"


@pytest.mark.parametrize(
    ("options", "problem", "expected"),
    [
        ({"max_attempts": 0}, ValueError, "max_attempts is out of range"),
        ({"max_attempts": -1}, ValueError, "max_attempts is out of range"),
        ({"max_attempts": 1001}, ValueError, "max_attempts is out of range"),
        ({"max_attempts": "5"}, TypeError, "str"),
        ({"max_quota_waits": -1}, ValueError, "max_quota_waits is out of range"),
        ({"patience": -1}, ValueError, "patience has to be 0 or more seconds"),
        ({"patience": 4e7}, ValueError, "patience is out of range"),
        ({"deadline": -1}, ValueError, "deadline has to be 0 or more seconds"),
        ({"base_delay": float("nan")}, ValueError, "base_delay has to be 0 or more seconds"),
        ({"base_delay": 61}, ValueError, "max_delay is out of range: it has to be at least base"),
        ({"max_delay": float("inf")}, ValueError, "max_delay has to be 0 or more seconds"),
        ({"factor": 0.5}, ValueError, "factor is out of range"),
        ({"jitter": "some"}, ValueError, 'unknown jitter "some"; known are none, full, equal'),
        ({"retry_kinds": {"tea": True}}, ValueError, 'unknown kind "tea"'),
        ({"retry_kinds": {"server": "yes"}}, TypeError, "bool"),
        ({"colour": 1}, TypeError, "colour"),
    ],
)
def test_options_are_checked(
    options: dict[str, Any], problem: type[Exception], expected: str
) -> None:
    with pytest.raises(problem, match=expected):
        resayil.RetryPolicy(**options)
    with pytest.raises(problem, match=expected):
        resayil.RetryPolicy().replace(**options)


def test_a_hint_is_a_floor(rate_limit_error: resayil.APIError) -> None:
    for seed in range(100):
        decision = resayil.RetryPolicy().start(0.0, seed).on_error(rate_limit_error, 1.0)
        assert decision.retry and decision.reason == "quota_window"
        assert decision.delay is not None and 45.0 <= decision.delay <= 46.0


def test_backoff_grows_and_ends() -> None:
    call = resayil.RetryPolicy(jitter="none").start(0.0, 1)
    decisions = [call.on_error(SERVER, 1.0) for _ in range(5)]
    assert [decision.delay for decision in decisions] == [1.0, 2.0, 4.0, 8.0, None]
    assert [decision.reason for decision in decisions] == ["backoff"] * 4 + ["max_attempts"]
    assert call.failures == 5 and call.policy == resayil.RetryPolicy(jitter="none")


def test_the_seed_decides() -> None:
    def delays(seed: int | None) -> list[float | None]:
        call = resayil.RetryPolicy().start(0.0, seed)
        return [call.on_error(SERVER, 0.0).delay for _ in range(4)]

    assert delays(9) == delays(9) != delays(10)
    assert delays(None) != delays(None)


def test_the_deadline_is_kept(rate_limit_error: resayil.APIError) -> None:
    call = resayil.RetryPolicy(deadline=50).start(100.0, 1)
    assert call.remaining(110.0) == 40.0
    assert call.on_error(rate_limit_error, 106.0).reason == "deadline"
    assert resayil.RetryPolicy(deadline=50).start(100.0).on_error(rate_limit_error, 104.0).retry
    assert resayil.RetryPolicy().start(0.0).remaining(1.0) is None


def test_the_clock_is_read_if_no_time_is_given() -> None:
    call = resayil.RetryPolicy(deadline=1000).start()
    remaining = call.remaining()
    assert remaining is not None and 999.0 < remaining <= 1000.0
    assert call.on_error(SERVER).retry


def test_terminal_errors_stop() -> None:
    decision = resayil.RetryPolicy().start(0.0).on_error(resayil.PaymentRequiredError("no"), 0.0)
    assert decision == resayil.Decision(False, None, "not_retryable")


def test_the_budget_is_shared() -> None:
    budget = resayil.Budget(ratio=1.0, reserve=1.0)
    policy = resayil.RetryPolicy()
    assert policy.start(0.0, budget=budget).on_error(SERVER, 0.0).retry
    call = policy.start(0.0, budget=budget)
    assert call.on_error(SERVER, 0.0) == resayil.Decision(True, 5.0, "budget")
    assert policy.start(0.0, budget=budget).on_error(SERVER, 1.0).delay == 9.0
    assert budget.remaining == 0.0
    call.on_success()
    assert budget.remaining == 1.0 and "1 left" in repr(budget)
    for options in ({"ratio": -1.0}, {"reserve": 1e9}, {"ratio": float("nan")}):
        with pytest.raises(ValueError, match="is out of range"):
            resayil.Budget(**options)


def test_decisions_are_values() -> None:
    decision = resayil.RetryPolicy(jitter="none").start(0.0).on_error(SERVER, 0.0)
    assert repr(decision) == 'Decision(retry=True, delay=1.0, reason="backoff")'
    assert decision == eval(repr(decision), {"Decision": resayil.Decision})
    assert pickle.loads(pickle.dumps(decision)) == decision
    assert len({decision, copy.copy(decision)}) == 1
    assert resayil.Decision.__match_args__ == ("retry", "delay", "reason")
    for arguments in ((True, None, "backoff"), (False, 1.0, "budget"), (True, 1.0, "tea")):
        with pytest.raises(ValueError):
            resayil.Decision(*arguments)


def test_what_is_no_error_is_refused() -> None:
    call = resayil.RetryPolicy().start(0.0)
    for thing in (ValueError("x"), "429", None):
        with pytest.raises(
            TypeError, match="error has to be an APIError or an exception of an HTTP"
        ):
            call.on_error(thing, 0.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="now has to be 0 or more seconds"):
        call.on_error(SERVER, -1.0)
    assert call.failures == 0


def test_names_are_known() -> None:
    names = {"none", "full", "equal", "additive", "decorrelated", "quarter"}
    assert set(_native.jitters()) == names
    for jitter in _native.jitters():
        assert resayil.RetryPolicy(jitter=jitter).jitter == jitter  # type: ignore[arg-type]
    assert "quota_window" in _native.retry_reasons()
    assert "max_attempts" in _native.stop_reasons()
    assert "resayil" in _native.providers()


def test_the_defaults_that_help_shows_are_those_of_the_core() -> None:
    policy = resayil.RetryPolicy()
    for name, parameter in inspect.signature(resayil.RetryPolicy).parameters.items():
        if name != "retry_kinds":
            assert getattr(policy, name) == parameter.default, name
    shown = inspect.signature(resayil.Budget).parameters
    assert repr(resayil.Budget()) == repr(
        resayil.Budget(**{name: each.default for name, each in shown.items()})
    )
