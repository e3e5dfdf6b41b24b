"""What providers wrap around a model's answer -> the answer. One function an envelope, tried in the table's order.

An answer that its provider calls incomplete, refused or failed is refused here, even where its text could be read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from common.text import one_line
from execution.engine.vocabulary import Code, Refusal

Object = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ProviderReply:
    """What an envelope holds: text, or a value that is decoded already. `shape` names the envelope."""

    shape: str
    content: object


def open_envelope(document: Object) -> ProviderReply | Refusal | None:
    """Return the answer in a provider's reply, why there is none that can be used, or None: this is no envelope."""
    for is_it, opened in _ENVELOPES:
        if is_it(document):
            return opened(document)
    return None


def _is_anthropic(document: Object) -> bool:
    return isinstance(document.get("content"), list) and ("role" in document or document.get("type") == "message")


def _anthropic(document: Object) -> ProviderReply | Refusal:
    stopped = _stopped(document.get("stop_reason"), {"end_turn", "stop_sequence", "tool_use", None})
    if stopped is not None:
        return stopped
    blocks = _objects(document["content"])
    calls = [block.get("input") for block in blocks if block.get("type") == "tool_use"]
    return _reply(
        "anthropic message", [block.get("text") for block in blocks if block.get("type") == "text"], calls
    )


def _is_anthropic_line(document: Object) -> bool:
    result = document.get("result")
    return "custom_id" in document and isinstance(result, dict) and "type" in result


def _anthropic_line(document: Object) -> ProviderReply | Refusal:
    result = _object(document["result"])
    if result.get("type") != "succeeded":
        return Refusal(Code.PROVIDER_FAILED, f"the provider's batch line is {one_line(result.get('type'))}")
    return ProviderReply("anthropic batch", result.get("message"))


def _is_openai_line(document: Object) -> bool:
    response = document.get("response")
    return "custom_id" in document and (isinstance(response, dict) or document.get("error") is not None)


def _openai_line(document: Object) -> ProviderReply | Refusal:
    response = _object(document.get("response"))
    status = response.get("status_code")
    if document.get("error") is not None or status not in (200, None):
        failed = document.get("error") or f"status {status}"
        return Refusal(Code.PROVIDER_FAILED, f"the provider's batch line failed: {one_line(failed)}")
    return ProviderReply("openai batch", response.get("body"))


def _is_chat(document: Object) -> bool:
    return isinstance(document.get("choices"), list)


def _chat(document: Object) -> ProviderReply | Refusal:
    choice = _sole(document["choices"], "choices")
    if isinstance(choice, Refusal):
        return choice
    stopped = _stopped(choice.get("finish_reason"), {"stop", "tool_calls", "function_call", None})
    if stopped is not None:
        return stopped
    message = _object(choice.get("message"))
    if message.get("refusal"):
        return Refusal(Code.PROVIDER_FAILED, f"the model refused: {one_line(message['refusal'])}")
    tools = [_object(call.get("function")).get("arguments") for call in _objects(message.get("tool_calls"))]
    return _reply("openai chat", _texts(message.get("content")), tools)


def _is_responses(document: Object) -> bool:
    return isinstance(document.get("output"), list)


def _responses(document: Object) -> ProviderReply | Refusal:
    stopped = _stopped(document.get("status"), {"completed", None})
    if stopped is not None:
        return stopped
    items = _objects(document["output"])
    parts = [part for item in items if item.get("type") == "message" for part in _objects(item.get("content"))]
    refused = next((part for part in parts if part.get("type") == "refusal"), None)
    if refused is not None:
        return Refusal(Code.PROVIDER_FAILED, f"the model refused: {one_line(refused.get('refusal'))}")
    calls = [item.get("arguments") for item in items if item.get("type") == "function_call"]
    return _reply("openai response", [part.get("text") for part in parts], calls)


def _is_gemini(document: Object) -> bool:
    return isinstance(document.get("candidates"), list)


def _gemini(document: Object) -> ProviderReply | Refusal:
    candidate = _sole(document["candidates"], "candidates")
    if isinstance(candidate, Refusal):
        return candidate
    stopped = _stopped(candidate.get("finishReason"), {"STOP", None})
    if stopped is not None:
        return stopped
    parts = [part for part in _objects(_object(candidate.get("content")).get("parts")) if not part.get("thought")]
    calls = [_object(part["functionCall"]).get("args") for part in parts if "functionCall" in part]
    return _reply("gemini candidates", [part.get("text") for part in parts], calls)


def _is_wrapped_reply(document: Object) -> bool:
    """The output of the Gemini command line and a line of its batches: an answer, or a reply, in `response`."""
    return "response" in document


def _wrapped_reply(document: Object) -> ProviderReply | Refusal:
    if document.get("error") is not None:
        return Refusal(Code.PROVIDER_FAILED, f"the provider reports an error: {one_line(document['error'])}")
    return ProviderReply("gemini output", document["response"])


def _is_command_result(document: Object) -> bool:
    return document.get("type") == "result" and isinstance(document.get("result"), str)


def _command_result(document: Object) -> ProviderReply | Refusal:
    if document.get("is_error"):
        return Refusal(Code.PROVIDER_FAILED, f"the provider reports an error: {one_line(document['result'])}")
    return ProviderReply("command result", document["result"])


def _is_error(document: Object) -> bool:
    return isinstance(document.get("error"), dict | str) and bool(document["error"])


def _error(document: Object) -> Refusal:
    return Refusal(Code.PROVIDER_FAILED, f"the provider reports an error: {one_line(document['error'])}")


_ENVELOPES: tuple[tuple[Callable[[Object], bool], Callable[[Object], ProviderReply | Refusal]], ...] = (
    (_is_anthropic_line, _anthropic_line),
    (_is_openai_line, _openai_line),
    (_is_anthropic, _anthropic),
    (_is_chat, _chat),
    (_is_responses, _responses),
    (_is_gemini, _gemini),
    (_is_wrapped_reply, _wrapped_reply),
    (_is_command_result, _command_result),
    (_is_error, _error),
)


def _stopped(reason: object, finished: set[str | None]) -> Refusal | None:
    """Why an answer is not whole, where its provider says so."""
    if reason is None or (isinstance(reason, str) and reason in finished):
        return None
    return Refusal(Code.ARTIFACT_INCOMPLETE, f"the provider says that the answer is not whole: {one_line(reason)}")


def _reply(shape: str, texts: Sequence[object], calls: Sequence[object]) -> ProviderReply | Refusal:
    """Return the arguments of the only tool call; without one, the text, which may come in several blocks."""
    if len(calls) > 1:
        return Refusal(Code.ARTIFACT_AMBIGUOUS, f"the answer calls {len(calls)} tools: which is meant is not clear")
    said = "".join(text for text in texts if isinstance(text, str))
    if not calls:
        return ProviderReply(shape, said)
    if "{" in said:
        return Refusal(
            Code.ARTIFACT_AMBIGUOUS, "the answer holds JSON and a tool call: which is meant is not clear"
        )
    return ProviderReply(shape, calls[0])


def _texts(content: object) -> list[object]:
    return [content] if isinstance(content, str) else [part.get("text") for part in _objects(content)]


def _sole(content: object, name: str) -> Object | Refusal:
    found = content if isinstance(content, list) else []
    if len(found) > 1:
        message = f"the reply has {len(found)} {name}: which is meant is not clear"
        return Refusal(Code.ARTIFACT_AMBIGUOUS, message)
    if not found:
        return Refusal(Code.PROVIDER_FAILED, f"the reply has no {name}")
    return _object(found[0])


def _object(value: object) -> Object:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Object]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
