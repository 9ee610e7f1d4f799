"""The contract as documents, made from the structs: JSON Schema and AsyncAPI.

`docs/` holds what this module makes; a test fails when the two differ.
"""

import json
from typing import Any

import msgspec

from weinao import __version__, messages, outcomes, topics

_UP = (messages.Pack, messages.Ack)
_OUT = (
    outcomes.Incident,
    outcomes.Hazard,
    outcomes.Task,
    outcomes.Notice,
    outcomes.Command,
    outcomes.Adjustment,
    outcomes.Loss,
    outcomes.Rejected,
)

_CHANNELS: dict[str, tuple[str, str, type, str]] = {
    "observations": ("up/{kind}/{device}", "receive", messages.Pack, "observations of one device"),
    "registry": ("registry/{record}/{id}", "receive", messages.Pack, "a registry record"),
    "feedback": ("feedback/{incident}", "receive", messages.Pack, "what a person answered"),
    "ack": ("down/{device}/ack", "send", messages.Ack, "what of a device is durable"),
    "command": ("down/{device}/command", "send", outcomes.Command, "what a device should do"),
    "incident": ("out/incident", "send", outcomes.Incident, "an incident after each change"),
    "alert": ("out/alert", "send", outcomes.Incident, "an incident when it opens or gets worse"),
    "task": ("out/task", "send", outcomes.Task, "what one person should do, and by when"),
    "notice": ("out/notice", "send", outcomes.Notice, "a message to one person"),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of everything on the wire."""
    roots, components = msgspec.json.schema_components([*_UP, *_OUT], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"weinao {__version__}: messages",
        "oneOf": list(roots),
        "$defs": dict(sorted(components.items())),
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of the topics, as `weinao` itself sends and receives."""
    shapes = {shape for _, _, shape, _ in _CHANNELS.values()}
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    _, components = msgspec.json.schema_components(
        ordered, ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "weinao", "version": __version__},
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in _CHANNELS},
        "operations": {
            name: {"action": action, "channel": {"$ref": f"#/channels/{name}"}, "summary": about}
            for name, (_, action, _, about) in _CHANNELS.items()
        },
        "components": {
            "messages": {
                shape.__name__: {
                    "name": shape.__name__,
                    "payload": {"$ref": f"#/components/schemas/{shape.__name__}"},
                }
                for shape in ordered
            },
            "schemas": dict(sorted(components.items())),
        },
    }


def document(content: dict[str, Any]) -> str:
    """Return a document as it stands in `docs/`."""
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _channel(name: str) -> dict[str, Any]:
    path, _, shape, _ = _CHANNELS[name]
    address = f"{topics.ROOT}/{{community}}/{{grid}}/{path}"
    parameters = [part[1:-1] for part in address.split("/") if part.startswith("{")]
    return {
        "address": address,
        "parameters": {parameter: {} for parameter in parameters},
        "messages": {shape.__name__: {"$ref": f"#/components/messages/{shape.__name__}"}},
    }
