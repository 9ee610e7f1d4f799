"""The API is as its document says: schemathesis asks whatever the document allows, and more.

Each question is asked in the name of a family, of staff and of an operator, with ids that exist
mixed among those that do not; the stream of changes has no end and is left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from portal.accounts import Role, Scope
from tests.portal.town import EAST, Town, town

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance, unsupported_method,
]  # fmt: skip
EXAMPLES = 12
"""For each question and role: 400 in all. `soak` asks a hundred times as often."""

WHO = ((Role.FAMILY, "daughter-1"), (Role.STAFF, "head-1"), (Role.OPERATOR, "operator-1"))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder: Path = tmp_path_factory.mktemp("town")
    with town(folder, requests_per_min=100_000, reports_per_h=1_000) as made:
        made.morning()
        made.sos()
        yield made


@pytest.fixture(scope="module")
def tokens(there: Town) -> dict[Role, dict[str, str]]:
    return {role: there.token(role, person, *Scope) for role, person in WHO}


@pytest.mark.slow
@pytest.mark.parametrize("role", [role for role, _ in WHO])
def test_no_question_breaks_it_and_every_answer_is_as_documented(
    there: Town, tokens: dict[Role, dict[str, str]], role: Role
) -> None:
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", there._app)
    schema = schema.include(path_regex="^/api/v1/").exclude(path_regex="changes$")
    incident = there.desk.live.board.all()[0].id
    real = {"grid": EAST, "incident": incident, "resident": "resident-1"}
    asked: list[tuple[str, int]] = []

    for found in schema.get_all_operations():
        operation: Any = found.ok()

        @seed(20261125)
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=[*HealthCheck],
        )  # fmt: skip
        @given(case=operation.as_strategy(), exists=st.booleans())
        def ask(case: Any, exists: bool) -> None:
            if exists:
                case.path_parameters = {
                    name: real.get(name, value) for name, value in case.path_parameters.items()
                }
            answer = case.call(headers=tokens[role])
            case.validate_response(answer, checks=CHECKS)
            asked.append((f"{case.method} {case.path}", answer.status_code))
            there.pump()

        ask()

    assert len({question for question, _ in asked}) >= 10
    assert {200, 404} <= {status for _, status in asked}
