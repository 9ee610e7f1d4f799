"""What leaves the portal unasked about a change: an id and a state, no words and no names."""

import msgspec

from weinao.outcomes import Incident


def change(incident: Incident) -> str:
    """Return what is said of a change."""
    said = {
        "id": incident.id,
        "grid": incident.grid,
        "state": incident.state,
        "severity": int(incident.severity),
        "steps": len(incident.steps),
    }
    return msgspec.json.encode(said).decode()
