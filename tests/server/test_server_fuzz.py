"""A few hundred hostile requests, of a seed that ``make fuzz`` does not begin with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hostile.fuzz_server import answered, log_is_strange, request_of
from support.server_calls import serving, workers_of


def test_hostile_requests_get_answers_that_are_documented(model_file, tmp_path):
    with serving(model_file, tmp_path, "--workers", "1") as (url, process, log):
        before = workers_of(process)
        port = int(url.rpartition(":")[2])
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda number: answered(port, request_of(18, number)), range(300)))
        assert not [one for one in found if one.wrong]
        assert {200, 400, 403, 404, 405, 415, 422} <= {one.status for one in found}
        assert workers_of(process) == before
        assert not log_is_strange(log)
