"""Requests made up from the service's own schema: whatever comes, it answers as its documentation says and never with a fault."""

import warnings

import pytest

pytest.importorskip("schemathesis")

KEY = "a-key-of-some-length"


@pytest.mark.parametrize("examples", [8, pytest.param(300, marks=pytest.mark.slow)])
def test_made_up_requests_find_no_fault(start, make_run, examples):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        from hypothesis import HealthCheck, Phase, given, settings
        from schemathesis.checks import not_a_server_error
        from schemathesis.specs.openapi.checks import (
            content_type_conformance,
            response_schema_conformance,
            status_code_conformance,
        )

    make_run()
    process, port, log = start("--threads", "1", env={"LABCORE_API_KEY": KEY})
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json", headers={"X-API-Key": KEY})
    checks = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
    seen = set()
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
        def try_it(case):
            case.call_and_validate(headers={"X-API-Key": KEY}, checks=checks)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try_it()
        seen.add(operation.label)
    assert {"POST /v1/classify", "POST /v1/reload", "GET /metrics"} <= seen
    process.terminate()
    assert process.wait(30) == 0
    assert "Traceback" not in log.read_text()
