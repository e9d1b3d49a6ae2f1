"""The HTTP contract on Flask over `psycopg_pool.ConnectionPool`; routes in the contract's order.

In: settings. Out: a WSGI application, and the pool that its server opens after the fork and closes at the end.
"""

from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from services.common import contract
from services.common.books import Refused
from services.common.contract import PoolView, Timing
from services.common.exchange import Exchange
from services.common.metrics import Metrics
from services.common.openapi import DOCUMENT
from services.common.settings import Settings
from services.common.tracing import Tracing
from services.psycopg_flask import work
from services.psycopg_flask.answers import (
    LeakedOnPurpose,
    answer,
    answer_errors,
    current_body,
    current_exchange,
    current_query,
)
from services.psycopg_flask.observed import Observed
from services.psycopg_flask.pool import SERVICE, ServicePool


def create_app(settings: Settings) -> tuple[Flask, ServicePool]:
    """The service. Its pool is not open yet: a pool that is opened before a fork is shared by all workers."""
    tracing = Tracing(SERVICE)
    metrics = Metrics(SERVICE, several=settings.workers > 1)
    pool = ServicePool(settings, metrics, tracing)

    app = Flask(SERVICE, static_folder=None)
    app.url_map.merge_slashes = False
    answer_errors(app, pool, tracing)

    @app.before_request
    def refuse_what_flask_adds() -> None:
        """HEAD and OPTIONS to every GET, and `//health` for `/health`: the contract has none of them."""
        environ = request.environ
        methods = contract.METHODS.get(environ["PATH_INFO"])
        if methods is None:
            raise NotFound
        if environ["REQUEST_METHOD"] not in methods:
            raise MethodNotAllowed

    def config_body() -> dict[str, Any]:
        fixed = {"service": SERVICE, "workers": settings.workers, "threads": settings.threads, "tracing": tracing.on}
        return fixed | pool.config.model_dump()

    def served(exchange: Exchange, view: PoolView, rows: int, **more: Any) -> Response:
        body = contract.served_body(SERVICE, exchange.timing, exchange.total_ms, view, rows, tracing.trace_id(), **more)
        return answer(body)

    @app.get(contract.HEALTH)
    def health() -> Response:
        current_query()
        return answer(contract.health_body(SERVICE))

    @app.get(contract.STATS)
    def stats() -> Response:
        current_query()
        config = pool.config
        return answer(pool.snapshot().body(SERVICE, settings.workers, config.work_time_ms, config.pool_acquire_timeout))

    @app.get(contract.CONFIG)
    def config() -> Response:
        current_query()
        return answer(config_body())

    @app.post(contract.CONFIG)
    def change_config() -> Response:
        current_query()
        patch = contract.parse_object(current_body())
        if settings.workers > 1:
            raise contract.several_workers(settings.workers)
        pool.reconfigure(patch)
        return answer(config_body())

    @app.post(contract.RELEASE_LEAKS)
    def release_leaks() -> Response:
        current_query()
        return answer({"service": SERVICE, "released": pool.release_leaks()})

    @app.get(contract.METRICS)
    def show_metrics() -> Response:
        current_query()
        metrics.refresh(pool.snapshot)
        text, content_type = metrics.text(request.headers.get("accept"))
        return Response(text, content_type=content_type)

    @app.get(contract.OPENAPI)
    def openapi() -> Response:
        current_query()
        return Response(DOCUMENT, content_type=contract.JSON)

    @app.get(contract.QUERY)
    def query() -> Response:
        exchange, config = current_exchange(), pool.config
        hold_ms = contract.parse_hold_ms(current_query(), config.work_time_ms)
        lease = pool.acquire(exchange.timing, hold_ms)
        try:
            view = pool.view()
            with pool.books.working(lease.wait, exchange.timing):
                rows = work.hold(lease, config, hold_ms)
        finally:
            pool.release(lease)
        return served(exchange, view, rows)

    @app.get(contract.QUERY_PROPER)
    def query_proper() -> Response:
        exchange, config = current_exchange(), pool.config
        hold_ms = contract.parse_hold_ms(current_query(), config.work_time_ms)
        with pool.connection(exchange.timing, hold_ms) as lease:
            view = pool.view()
            with pool.books.working(lease.wait, exchange.timing):
                rows = work.hold(lease, config, hold_ms)
        return served(exchange, view, rows)

    @app.get(contract.QUERY_LEAK)
    def query_leak() -> Response:
        exchange = current_exchange()
        how = contract.parse_how(current_query())
        lease = pool.acquire(exchange.timing)
        view = pool.view()
        try:
            with pool.books.working(lease.wait, exchange.timing):
                rows = work.read(lease)
        except Exception:  # a dead connection is no leak on purpose
            pool.release(lease)
            raise
        pool.leak(lease, keep=how == "kept")
        if how == "exception":
            raise LeakedOnPurpose("the handler failed between acquire and release: its connection was not given back")
        return served(exchange, view, rows, leaked=True)

    @app.get(contract.NESTED)
    def nested() -> Response:
        exchange, config = current_exchange(), pool.config
        hold_ms = contract.parse_hold_ms(current_query(), config.work_time_ms)
        inner_timing = Timing()
        stage: str | None = "acquire"
        try:
            outer = pool.acquire(exchange.timing, hold_ms)
            try:
                stage = "nested_acquire"
                inner = pool.acquire(inner_timing, hold_ms)
                stage = None
                try:
                    view = pool.view()
                    with pool.books.working(inner.wait, exchange.timing):
                        rows = work.hold(inner, config, hold_ms)
                finally:
                    pool.release(inner)
            finally:
                exchange.timing.nested_acquire_ms = inner_timing.acquire_ms
                pool.release(outer)
        except Refused as refused:
            refused.stage = stage
            raise
        return served(exchange, view, rows)

    @app.get(contract.SEVERAL)
    def several() -> Response:
        exchange, config, arguments = current_exchange(), pool.config, current_query()
        times, hold_ms = contract.parse_times(arguments), contract.parse_hold_ms(arguments, config.work_time_ms)
        longest_ms = 0.0
        for stage in contract.CHECKOUTS[:times]:
            timing = Timing()
            try:
                lease = pool.acquire(timing, hold_ms)
                try:
                    view = pool.view()
                    with pool.books.working(lease.wait, timing):
                        rows = work.hold(lease, config, hold_ms)
                finally:
                    pool.release(lease)
            except Refused as refused:
                refused.stage = stage
                raise
            finally:
                exchange.timing.add(timing)
            longest_ms = max(longest_ms, timing.acquire_ms)
        return served(exchange, view, rows, checkouts=times, longest_acquire_ms=round(longest_ms, 3))

    @app.get(contract.NOOP)
    def noop() -> Response:
        current_query()
        return served(current_exchange(), PoolView(pool.config.pool_max_size, None, None), contract.ROWS)

    app.wsgi_app = Observed(app.wsgi_app, metrics, tracing)  # type: ignore[method-assign] # Flask's own idiom
    return app, pool
