"""What providers and their tools wrap around an answer."""

import json
from typing import Any

from tests.execution.engine.parsing.corpus.cases import GOOD, MSFT, READ, case, refused

DOCUMENT: dict[str, Any] = json.loads(GOOD)
PRETTY = json.dumps(DOCUMENT, indent=2)
FENCED = f"```json\n{PRETTY}\n```"
THOUGHT = '<think>\nMaybe {"recommendations": [{"symbol": "TSLA"}]}? No.\n</think>\n'
REQUEST = "79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2"


def anthropic(*blocks: dict[str, Any], stop_reason: str | None = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_01Corpus",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": list(blocks),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 118, "output_tokens": 171},
    }


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def tool(**arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_01", "name": "save_recommendations", "input": arguments}


def chat(content: object, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, "refusal": None, **message}
    return {
        "id": "chatcmpl-corpus",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-5",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 112, "completion_tokens": 196, "total_tokens": 308},
        "system_fingerprint": "fp_corpus",
    }


def response(*output: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    return {
        "id": "resp_corpus",
        "object": "response",
        "created_at": 1760000000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5",
        "output": [{"id": "rs_1", "type": "reasoning", "summary": []}, *output],
        "usage": {"input_tokens": 112, "output_tokens": 196},
    }


def message(said: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": said, "annotations": [], "logprobs": []}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}


def gemini(*parts: dict[str, Any], finish: str = "STOP") -> dict[str, Any]:
    return {
        "candidates": [{"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, "index": 0}],
        "usageMetadata": {"promptTokenCount": 112, "candidatesTokenCount": 196, "totalTokenCount": 308},
        "modelVersion": "gemini-2.5-pro",
        "responseId": "corpus",
    }


def openai_line(body: object, status: int = 200, error: object = None) -> dict[str, Any]:
    reply = {"status_code": status, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": REQUEST, "response": reply, "error": error}


def anthropic_line(**result: Any) -> dict[str, Any]:
    return {"custom_id": REQUEST, "result": result}


STRING = json.dumps(GOOD)

CASES = (
    # The document itself
    case("a document", GOOD, *READ),
    case("a document over several lines", PRETTY, *READ),
    case("a document behind a byte-order mark", b"\xef\xbb\xbf" + GOOD.encode(), *READ),
    case("a document among blank lines", f"\n\n  {GOOD}\n\n", *READ),
    case("a document with Windows line ends", PRETTY.replace("\n", "\r\n"), *READ),
    case("parsed.json with its claims", {"provider": "openai", "source": "response.json", **DOCUMENT}, *READ),
    # Text
    case("a markdown fence", FENCED, *READ),
    case("a fence without a language", f"```\n{GOOD}\n```", *READ),
    case("a fence on one line", f"```json {GOOD} ```", *READ),
    case("a fence that is indented", f"Here:\n  ```json\n  {GOOD}\n  ```", *READ),
    case("a fence in prose", f"Here is my analysis.\n\n{FENCED}\n\nThis is no advice.", *READ),
    case("a fence that is not closed around JSON that is whole", f"```json\n{GOOD}", *READ),
    case("a fence of code beside the one of JSON", f"```python\nx = {{}}\n```\n{FENCED}", *READ),
    case("a fence in the text of a line", FENCED.replace('"BUY"', '"BUY", "reason": "```x```"'), *READ),
    case("JSON in prose", f"Here is my analysis:\n{PRETTY}\nThis is no advice.", *READ),
    case("JSON with prose behind it", f"{PRETTY}\n\nThis is no advice.", *READ),
    case("a thought before the JSON", THOUGHT + GOOD, *READ),
    case("a thought before a fence", THOUGHT + FENCED, *READ),
    case("a thought whose opening tag is lost", THOUGHT.removeprefix("<think>") + GOOD, *READ),
    case("a thought after a greeting", f"Sure.\n{THOUGHT}{GOOD}", *READ),
    case("two thoughts", THOUGHT + THOUGHT + GOOD, *READ),
    case("thinking by another name", f"<thinking>BUY</thinking>{GOOD}", *READ),
    case("a string of JSON", STRING, *READ),
    case("a string of a string of JSON", json.dumps(STRING), *READ),
    case("a string of a fence", json.dumps(FENCED), *READ),
    case("a list of lines in a string", {"recommendations": json.dumps([MSFT])}, *READ),
    case(
        "orders in tags",
        'Analysis.\n<ORDERS_JSON>\n{"orders": [{"action": "b", "ticker": "ABEO", "weight_pct": 3}]}\n</ORDERS_JSON>\n',
        "BUY ABEO 3",
    ),
    case("orders in tags and a fence", f"<ORDERS_JSON>\n{FENCED}\n</ORDERS_JSON>", *READ),
    refused("a thought that does not end", "<think>I would buy MSFT", "ARTIFACT_INCOMPLETE"),
    refused("a draft in a thought and nothing else", THOUGHT, "ARTIFACT_PROSE"),
    refused("two fences of JSON", f"{FENCED}\nor\n{FENCED}", "ARTIFACT_AMBIGUOUS"),
    refused("a fence and JSON beside it", f"{FENCED}\nCorrection: {GOOD}", "ARTIFACT_AMBIGUOUS"),
    refused(
        "a fence and a second one that is cut", f'{FENCED}\n```json\n{{"recommendations": [', "ARTIFACT_AMBIGUOUS"
    ),
    refused("JSON and a correction that is cut", f'{GOOD}\nWait:\n{{"recommendations": [', "ARTIFACT_SYNTAX"),
    refused("two documents, one after the other", f"{GOOD}\n{GOOD}", "ARTIFACT_SYNTAX"),
    refused("two documents in prose", f"First\n{GOOD}\nthen\n{GOOD}", "ARTIFACT_SYNTAX"),
    refused("a draft in prose before the JSON", f'Not {{"symbol": "X"}} but\n{GOOD}', "ARTIFACT_SYNTAX"),
    case("JSON in the middle of a sentence", f"I recommend {GOOD} for now.", *READ),
    refused("a list in prose", f"Here:\n[{json.dumps(MSFT)}]", "ARTIFACT_SHAPE"),
    refused("a list in prose, spread out", f"Here: [\n  {json.dumps(MSFT)}\n]", "ARTIFACT_SHAPE"),
    refused("a list in prose, spread far", f"Here:[{' ' * 5_000}{json.dumps(MSFT)}]", "ARTIFACT_SHAPE"),
    refused("two lists of orders in tags", f"<ORDERS_JSON>{GOOD}</ORDERS_JSON>" * 2, "ARTIFACT_AMBIGUOUS"),
    refused("orders whose tag does not close", f"<ORDERS_JSON>{GOOD}", "ARTIFACT_INCOMPLETE"),
    refused("an open fence without JSON", "```json\nI would", "ARTIFACT_INCOMPLETE"),
    refused("JSON that is cut", GOOD[:-20], "ARTIFACT_SYNTAX"),
    refused("JSON that is cut in a fence", FENCED[:40], "ARTIFACT_SYNTAX"),
    refused("JSON that is cut in prose", f"Here:\n{PRETTY[:30]}", "ARTIFACT_INCOMPLETE"),
    refused("JSON that is cut behind a stray brace", f"Here: }}{PRETTY[:30]}", "ARTIFACT_INCOMPLETE"),
    refused("JSON that is cut in a string", json.dumps(GOOD[:-5]), "ARTIFACT_SYNTAX"),
    refused("a string of prose", '"BUY MSFT"', "ARTIFACT_SHAPE"),
    refused("prose", "We like Microsoft and would add to it at 450.", "ARTIFACT_PROSE"),
    refused("a proposal in markdown", "Debate.\n\nFINAL TRANSACTION PROPOSAL: **BUY**", "ARTIFACT_PROSE"),
    refused("a rating in markdown", "**Rating**: Overweight\n\n**Executive Summary**: ...", "ARTIFACT_PROSE"),
    refused(
        "a string in strings without end",
        json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(STRING)))))),
        "ARTIFACT_DEPTH",
    ),
    # Anthropic
    case("an anthropic message", anthropic(text(GOOD)), *READ),
    case("an anthropic message with a fence", anthropic(text(FENCED)), *READ),
    case(
        "an anthropic message that thinks",
        anthropic(
            {"type": "thinking", "thinking": GOOD, "signature": "x"},
            {"type": "redacted_thinking", "data": "x"},
            text(GOOD),
        ),
        *READ,
    ),
    case("an anthropic message in several blocks", anthropic(text(GOOD[:30]), text(GOOD[30:])), *READ),
    case("an anthropic tool call", anthropic(tool(**DOCUMENT), stop_reason="tool_use"), *READ),
    case("an anthropic tool call with prose", anthropic(text("I save it."), tool(**DOCUMENT)), *READ),
    case(
        "an anthropic search and its answer",
        anthropic(
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "MSFT"}},
            {"type": "web_search_tool_result", "content": []},
            text(GOOD),
        ),
        *READ,
    ),
    refused(
        "an anthropic message that is cut", anthropic(text(GOOD), stop_reason="max_tokens"), "ARTIFACT_INCOMPLETE"
    ),
    refused(
        "an anthropic message that pauses", anthropic(text(GOOD), stop_reason="pause_turn"), "ARTIFACT_INCOMPLETE"
    ),
    refused("an anthropic refusal", anthropic(text("I cannot."), stop_reason="refusal"), "ARTIFACT_INCOMPLETE"),
    refused("two anthropic tool calls", anthropic(tool(**DOCUMENT), tool(**DOCUMENT)), "ARTIFACT_AMBIGUOUS"),
    refused("an anthropic tool call and JSON", anthropic(text(GOOD), tool(**DOCUMENT)), "ARTIFACT_AMBIGUOUS"),
    refused("an anthropic message of prose", anthropic(text("Buy Microsoft.")), "ARTIFACT_PROSE"),
    refused("an anthropic message of nothing", anthropic(), "ARTIFACT_PROSE"),
    refused("an anthropic error", {"type": "error", "error": {"type": "overloaded_error"}}, "PROVIDER_FAILED"),
    case("an anthropic batch line", anthropic_line(type="succeeded", message=anthropic(text(GOOD))), *READ),
    refused("an anthropic batch line that failed", anthropic_line(type="errored", error={}), "PROVIDER_FAILED"),
    refused("an anthropic batch line that expired", anthropic_line(type="expired"), "PROVIDER_FAILED"),
    # OpenAI
    case("an openai chat", chat(GOOD), *READ),
    case("an openai chat with a fence", chat(FENCED), *READ),
    case("an openai chat that thinks aloud", chat(THOUGHT + GOOD, reasoning_content="..."), *READ),
    case("an openai chat in parts", chat([{"type": "text", "text": GOOD}]), *READ),
    case(
        "an openai tool call",
        chat(
            None,
            "tool_calls",
            tool_calls=[{"id": "call_1", "type": "function", "function": {"name": "save", "arguments": GOOD}}],
        ),
        *READ,
    ),
    refused("an openai chat that is cut", chat(GOOD, "length"), "ARTIFACT_INCOMPLETE"),
    refused("an openai chat that is filtered", chat(GOOD, "content_filter"), "ARTIFACT_INCOMPLETE"),
    refused("an openai refusal", chat(None, refusal="I cannot."), "PROVIDER_FAILED"),
    refused("an openai chat with two choices", {"choices": chat(GOOD)["choices"] * 2}, "ARTIFACT_AMBIGUOUS"),
    refused("an openai chat without a choice", {"choices": []}, "PROVIDER_FAILED"),
    case("an openai response", response(message(GOOD)), *READ),
    case("an openai response with a fence", response(message(FENCED)), *READ),
    case("an openai function call", response({"type": "function_call", "name": "save", "arguments": GOOD}), *READ),
    refused("an openai response that is cut", response(message(GOOD), status="incomplete"), "ARTIFACT_INCOMPLETE"),
    refused("an openai response that failed", response(status="failed"), "ARTIFACT_INCOMPLETE"),
    refused(
        "an openai response that refuses",
        response({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}),
        "PROVIDER_FAILED",
    ),
    case("an openai batch line with a chat", openai_line(chat(FENCED)), *READ),
    case("an openai batch line with a response", openai_line(response(message(GOOD))), *READ),
    refused("an openai batch line that failed", openai_line(None, 429), "PROVIDER_FAILED"),
    refused("an openai batch line with an error", openai_line(chat(GOOD), error={"code": "x"}), "PROVIDER_FAILED"),
    # Gemini, and the tools on the command line
    case("gemini candidates", gemini({"text": GOOD}), *READ),
    case("gemini candidates in parts", gemini({"text": GOOD[:40]}, {"text": GOOD[40:]}), *READ),
    case("gemini candidates that think", gemini({"text": GOOD, "thought": True}, {"text": FENCED}), *READ),
    case("a gemini function call", gemini({"functionCall": {"name": "save", "args": DOCUMENT}}), *READ),
    refused("gemini candidates that are cut", gemini({"text": GOOD}, finish="MAX_TOKENS"), "ARTIFACT_INCOMPLETE"),
    refused("gemini candidates that are blocked", gemini(finish="SAFETY"), "ARTIFACT_INCOMPLETE"),
    refused("a gemini prompt that is blocked", {"candidates": []}, "PROVIDER_FAILED"),
    case("gemini output", {"response": FENCED, "stats": {"models": {}}}, *READ),
    case("gemini output with a document", {"response": DOCUMENT}, *READ),
    case("a gemini batch line", {"key": REQUEST, "response": gemini({"text": GOOD})}, *READ),
    refused("gemini output with an error", {"response": "", "error": {"code": 1}}, "PROVIDER_FAILED"),
    refused("gemini output of nothing", {"response": None}, "ARTIFACT_SHAPE"),
    case(
        "a command's result", {"type": "result", "subtype": "success", "is_error": False, "result": FENCED}, *READ
    ),
    refused("a command's error", {"type": "result", "is_error": True, "result": GOOD}, "PROVIDER_FAILED"),
    refused("an error and nothing else", {"error": "rate limit"}, "PROVIDER_FAILED"),
)
