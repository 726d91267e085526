"""Asks a service what hypothesis makes up from its schema, and holds every answer to it: ``python made_up_requests.py URL KEY EXAMPLES``

A process of its own: libraries that are loaded with torch may have the processor round the smallest numbers to zero, which hypothesis
refuses to work with.
"""

from __future__ import annotations

import sys

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


def main(url: str, key: str, examples: int) -> None:
    headers = {"X-API-Key": key}
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", headers=headers)
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=examples if operation.label == "POST /v1/classify" else 2,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def try_it(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        try_it()
        print(operation.label)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
