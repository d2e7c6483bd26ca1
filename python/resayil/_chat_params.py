"""The fields of a chat completion's request, as OpenAI's API has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, TypedDict, Union

from ._quota import Cost, Priority, Tenant


class QuotaParams(TypedDict, total=False):
    """How a call stands in the quota's line; these are no fields of the request.

    `cost` is how many tokens it takes, in all or as a pair: those of the prompt, and the most that
    the answer may have; by default it is estimated. A higher `priority` passes those that came
    before, but no more than 256 of them. While several tenants wait, each is admitted by its
    weight, from 1 to 1000, which is 1 for a name alone.
    """

    cost: Optional[Cost]
    priority: Optional[Priority]
    tenant: Optional[Tenant]


class ChatParams(QuotaParams, total=False):
    """What `chat.completions.create` takes beside model and messages; None leaves a field out."""

    audio: Optional[Mapping[str, Any]]
    frequency_penalty: Optional[float]
    function_call: Union[str, Mapping[str, Any], None]
    functions: Optional[Iterable[Mapping[str, Any]]]
    logit_bias: Optional[Mapping[str, float]]
    logprobs: Optional[bool]
    max_completion_tokens: Optional[int]
    max_tokens: Optional[int]
    metadata: Optional[Mapping[str, str]]
    modalities: Optional[Sequence[str]]
    moderation: Optional[Any]
    n: Optional[int]
    parallel_tool_calls: Optional[bool]
    prediction: Optional[Mapping[str, Any]]
    presence_penalty: Optional[float]
    prompt_cache_key: Optional[str]
    prompt_cache_options: Optional[Mapping[str, Any]]
    prompt_cache_retention: Optional[str]
    reasoning_effort: Optional[str]
    response_format: Optional[Mapping[str, Any]]
    safety_identifier: Optional[str]
    seed: Optional[int]
    service_tier: Optional[str]
    stop: Union[str, Sequence[str], None]
    store: Optional[bool]
    stream_options: Optional[Mapping[str, Any]]
    temperature: Optional[float]
    tool_choice: Union[str, Mapping[str, Any], None]
    tools: Optional[Iterable[Mapping[str, Any]]]
    top_logprobs: Optional[int]
    top_p: Optional[float]
    user: Optional[str]
    verbosity: Optional[str]
    web_search_options: Optional[Mapping[str, Any]]


class EmbeddingParams(QuotaParams, total=False):
    """What `embeddings.create` takes beside model and input; None leaves a field out."""

    dimensions: Optional[int]
    encoding_format: Optional[str]
    user: Optional[str]
