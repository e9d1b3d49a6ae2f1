"""The HTTP contract on Flask over a pool that the server's threads share; routes in the contract's order."""

from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from services.common import contract
from services.common.contract import PoolView
from services.common.metrics import Metrics
from services.common.openapi import DOCUMENT
from services.common.settings import from_environment
from services.common.tracing import Tracing
from services.fronts.flask.answers import answer, answer_errors, current_body, current_exchange, current_query
from services.fronts.wsgi import Observed
from services.handlers.answers import Answers
from services.handlers.served import Served
from services.handlers.synchronous import SyncHandlers
from services.pools.adapters import SyncAdapter
from services.pools.synchronous import SyncPool
from services.stacks import Stack


def create_app(stack: Stack, library: type[SyncAdapter[Any]]) -> tuple[Flask, SyncPool[Any]]:
    """The service and its pool, which is not open yet: opened before a fork, it would be shared by all workers.

    The server opens it in each worker; under another server the first request that needs it does. Raises
    SettingsError for a setting of the environment that cannot be used.
    """
    settings = from_environment(port=stack.port)
    service = stack.name
    tracing, metrics = Tracing(service), Metrics(service, several=settings.workers > 1)
    pool = SyncPool(service, library, settings, metrics, tracing)
    handlers, answers = SyncHandlers(pool), Answers(service, settings, pool, tracing, threads=settings.threads)
    served = answers.served

    app = Flask(service, static_folder=None)
    app.url_map.merge_slashes = False
    answer_errors(app, answers)

    @app.before_request
    def admit() -> None:
        """Takes what the contract has, and opens the pool where the path needs one and no server has opened it.

        Flask adds HEAD and OPTIONS to every GET, and `//health` for `/health`: the contract has none of them. It is
        one hook because each costs every request a call.
        """
        environ = request.environ
        path = environ["PATH_INFO"]
        methods = contract.METHODS.get(path)
        if methods is None:
            raise NotFound
        if environ["REQUEST_METHOD"] not in methods:
            raise MethodNotAllowed
        if not pool.is_open and path not in contract.WITHOUT_POOL:
            pool.open()

    @app.get(contract.HEALTH)
    def health() -> Response:
        current_query()
        return answer(contract.health_body(service))

    @app.get(contract.STATS)
    def stats() -> Response:
        current_query()
        return answer(answers.stats())

    @app.get(contract.CONFIG)
    def config() -> Response:
        current_query()
        return answer(answers.config())

    @app.post(contract.CONFIG)
    def change_config() -> Response:
        contract.refuse_foreign(request.headers.get)
        current_query()
        patch = contract.parse_object(current_body())
        if settings.workers > 1:
            raise contract.several_workers(settings.workers)
        pool.reconfigure(patch)
        return answer(answers.config())

    @app.post(contract.RELEASE_LEAKS)
    def release_leaks() -> Response:
        contract.refuse_foreign(request.headers.get)
        current_query()
        return answer({"service": service, "released": handlers.release_leaks()})

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
        exchange = current_exchange()
        hold_ms = contract.parse_hold_ms(current_query(), pool.config.work_time_ms)
        return answer(served(exchange, handlers.query(exchange.timing, hold_ms)))

    @app.get(contract.QUERY_PROPER)
    def query_proper() -> Response:
        exchange = current_exchange()
        hold_ms = contract.parse_hold_ms(current_query(), pool.config.work_time_ms)
        return answer(served(exchange, handlers.query_proper(exchange.timing, hold_ms)))

    @app.get(contract.QUERY_LEAK)
    def query_leak() -> Response:
        exchange = current_exchange()
        how = contract.parse_how(current_query())
        return answer(served(exchange, handlers.query_leak(exchange.timing, how)))

    @app.get(contract.NESTED)
    def nested() -> Response:
        exchange = current_exchange()
        hold_ms = contract.parse_hold_ms(current_query(), pool.config.work_time_ms)
        return answer(served(exchange, handlers.nested(exchange.timing, hold_ms)))

    @app.get(contract.SEVERAL)
    def several() -> Response:
        exchange, arguments = current_exchange(), current_query()
        times, hold_ms = contract.parse_times(arguments), contract.parse_hold_ms(arguments, pool.config.work_time_ms)
        return answer(served(exchange, handlers.several(exchange.timing, times, hold_ms)))

    @app.get(contract.NOOP)
    def noop() -> Response:
        current_query()
        seen = Served(PoolView(pool.config.pool_max_size, None, None), contract.ROWS)
        return answer(served(current_exchange(), seen))

    app.wsgi_app = Observed(app.wsgi_app, metrics, tracing)  # type: ignore[method-assign] # Flask's own idiom
    return app, pool
