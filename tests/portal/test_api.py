"""The API: documented as it is, and the same answers as the pages give."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from portal.accounts import Role, Scope
from tests.portal.town import EAST, Town, town


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as made:
        yield made


def test_every_question_is_in_the_document_and_says_that_it_needs_a_token(there: Town) -> None:
    document = there.client.get("/api/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert {path for path in paths if path.startswith("/api/v1/")} == {
        "/api/v1/freshness", "/api/v1/incidents", "/api/v1/incidents/{grid}/{incident}",
        "/api/v1/incidents/{grid}/{incident}/answers", "/api/v1/incidents/{grid}/{incident}/cap",
        "/api/v1/residents/{grid}/{resident}", "/api/v1/residents/{grid}/{resident}/observations",
        "/api/v1/statistics", "/api/v1/devices/{grid}", "/api/v1/reports", "/api/v1/changes",
        "/api/v1/webhooks", "/api/v1/webhooks/{hook}",
    }  # fmt: skip
    assert document["security"] == [{"token": []}]
    for path, methods in paths.items():
        for method, said in methods.items():
            assert said.get("description"), f"{method} {path}"


def test_an_incident_is_read_answered_and_exported(there: Town) -> None:
    incident = there.sos()
    headers = there.token(Role.FAMILY, "daughter-1", Scope.INCIDENTS, Scope.ANSWER)
    client, path = there.client, f"/api/v1/incidents/{EAST}/{incident.id}"

    [row] = client.get("/api/v1/incidents", headers=headers).json()
    assert (row["id"], row["kind"], row["mine"]) == (incident.id, "sos", True)
    said = client.post(f"{path}/answers", json={"action": "accept"}, headers=headers)
    assert said.status_code == 201
    there.pump()
    whole = client.get(path, headers=headers, params={"lang": "en"}).json()
    assert whole["row"]["state"] == "accepted"
    assert any("deals with it" in one["text"] or "李梅" in one["text"] for one in whole["moments"])
    cap = client.get(f"{path}/cap", headers=headers)
    assert cap.headers["content-type"].startswith("application/cap+xml")
    assert ET.fromstring(cap.content).tag.endswith("}alert")


def test_vitals_come_as_fhir_and_numbers_as_json(there: Town) -> None:
    there.morning()
    family = there.token(Role.FAMILY, "daughter-1", Scope.VITALS)
    operator = there.token(Role.OPERATOR, "operator-1", Scope.STATISTICS, Scope.DEVICES)
    client = there.client

    found = client.get(f"/api/v1/residents/{EAST}/resident-1/observations", headers=family)
    assert found.headers["content-type"].startswith("application/fhir+json")
    assert found.json()["total"] == 4
    person = client.get(f"/api/v1/residents/{EAST}/resident-1", headers=family).json()
    assert person["now"]["word"] == "well"
    assert client.get("/api/v1/statistics", headers=operator).json() == []
    devices = client.get(f"/api/v1/devices/{EAST}", headers=operator).json()
    assert {one["id"] for one in devices if one["silent"]} == {"agent-2"}


def test_a_report_by_the_api_gives_the_same_receipt(there: Town) -> None:
    headers = there.token(Role.RESIDENT, "resident-1", Scope.REPORT)
    client = there.client

    made = client.post(
        "/api/v1/reports", json={"category": "leak", "place": f"{EAST}/b-1"}, headers=headers
    ).json()
    there.pump()

    page = client.get(f"/r/{made['number']}/{made['key']}").text
    assert "漏水" in page
    [incident] = there.desk.live.board.open()
    assert incident.reporter == "resident-1"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"action": "explode"},
        {"action": "rate"},
        {"action": "rate", "rating": 9},
        {"action": "ack", "actor": "head-1"},
        {"action": "ack", "note": "\x00"},
        {"action": "ack", "note": "x" * 2_000},
        [],
        "ack",
    ],
    ids=str,
)
def test_what_is_no_answer_is_refused_with_a_reason(there: Town, said: object) -> None:
    incident = there.sos()
    headers = there.token(Role.FAMILY, "daughter-1", Scope.ANSWER)

    refused = there.client.post(
        f"/api/v1/incidents/{EAST}/{incident.id}/answers", json=said, headers=headers
    )

    assert refused.status_code in (400, 403)
    assert refused.json()["detail"]
    assert there.desk.outbox.waiting() == []
