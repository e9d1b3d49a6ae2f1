"""The HTTP contract on Django over a pool that the server's threads share; routes in the contract's order."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from services.common import contract
from services.common.contract import PoolView
from services.common.metrics import Metrics
from services.common.openapi import DOCUMENT
from services.common.settings import from_environment
from services.common.tracing import Tracing
from services.fronts.django.answers import View, answer, answering_errors, body_of, query_of, refusal, response
from services.fronts.wsgi import Observed, exchange_of
from services.handlers.answers import Answers, unknown
from services.handlers.served import Served
from services.handlers.synchronous import SyncHandlers
from services.pools.adapters import SyncAdapter
from services.pools.synchronous import SyncPool
from services.stacks import Stack

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, eq=False)
class URLconf:
    """As a module of URLs has them."""

    urlpatterns: Sequence[Any]
    handler404: View


def create_app(stack: Stack, library: type[SyncAdapter[Any]]) -> tuple["WSGIApplication", SyncPool[Any]]:
    """The service and its pool, which is not open yet: opened before a fork, it would be shared by all workers.

    The server opens it in each worker; under another server the first request that needs it does. Configures Django,
    so that a process has one such service. Raises SettingsError for a setting of the environment that cannot be used.
    """
    settings = from_environment(port=stack.port)
    service = stack.name
    tracing, metrics = Tracing(service), Metrics(service, several=settings.workers > 1)
    pool = SyncPool(service, library, settings, metrics, tracing)
    handlers, answers = SyncHandlers(pool), Answers(service, settings, pool, tracing, threads=settings.threads)
    served = answers.served

    def health(request: HttpRequest) -> HttpResponse:
        query_of(request)
        return answer(contract.health_body(service))

    def stats(request: HttpRequest) -> HttpResponse:
        query_of(request)
        return answer(answers.stats())

    def config(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return change_config(request)
        query_of(request)
        return answer(answers.config())

    def change_config(request: HttpRequest) -> HttpResponse:
        contract.refuse_foreign(request.headers.get)
        query_of(request)
        patch = contract.parse_object(body_of(request))
        if settings.workers > 1:
            raise contract.several_workers(settings.workers)
        pool.reconfigure(patch)
        return answer(answers.config())

    def release_leaks(request: HttpRequest) -> HttpResponse:
        contract.refuse_foreign(request.headers.get)
        query_of(request)
        return answer({"service": service, "released": handlers.release_leaks()})

    def show_metrics(request: HttpRequest) -> HttpResponse:
        query_of(request)
        metrics.refresh(pool.snapshot)
        text, content_type = metrics.text(request.headers.get("accept"))
        return response(text, content_type=content_type)

    def openapi(request: HttpRequest) -> HttpResponse:
        query_of(request)
        return response(DOCUMENT)

    def query(request: HttpRequest) -> HttpResponse:
        exchange = exchange_of(request.META)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, handlers.query(exchange.timing, hold_ms)))

    def query_proper(request: HttpRequest) -> HttpResponse:
        exchange = exchange_of(request.META)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, handlers.query_proper(exchange.timing, hold_ms)))

    def query_leak(request: HttpRequest) -> HttpResponse:
        exchange = exchange_of(request.META)
        how = contract.parse_how(query_of(request))
        return answer(served(exchange, handlers.query_leak(exchange.timing, how)))

    def nested(request: HttpRequest) -> HttpResponse:
        exchange = exchange_of(request.META)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, handlers.nested(exchange.timing, hold_ms)))

    def several(request: HttpRequest) -> HttpResponse:
        exchange, arguments = exchange_of(request.META), query_of(request)
        times, hold_ms = contract.parse_times(arguments), contract.parse_hold_ms(arguments, pool.config.work_time_ms)
        return answer(served(exchange, handlers.several(exchange.timing, times, hold_ms)))

    def noop(request: HttpRequest) -> HttpResponse:
        query_of(request)
        seen = Served(PoolView(pool.config.pool_max_size, None, None), contract.ROWS)
        return answer(served(exchange_of(request.META), seen))

    def missing(request: HttpRequest, **_: object) -> HttpResponse:
        return refusal(unknown(request.META["REQUEST_METHOD"], request.path_info))

    def admitted(route: str, view: View) -> View:
        """The view for the methods of its route; it opens the pool where it needs one and no server has opened it."""
        methods, needs_pool = contract.METHODS[route], route not in contract.WITHOUT_POOL

        def admit(request: HttpRequest) -> HttpResponse:
            if request.META["REQUEST_METHOD"] not in methods:
                return missing(request)
            if needs_pool and not pool.is_open:
                pool.open()
            return view(request)

        return answering_errors(service, answers, admit)

    views = {
        contract.HEALTH: health,
        contract.STATS: stats,
        contract.CONFIG: config,
        contract.RELEASE_LEAKS: release_leaks,
        contract.METRICS: show_metrics,
        contract.OPENAPI: openapi,
        contract.QUERY: query,
        contract.QUERY_PROPER: query_proper,
        contract.QUERY_LEAK: query_leak,
        contract.NESTED: nested,
        contract.SEVERAL: several,
        contract.NOOP: noop,
    }
    routes = [path(route.removeprefix("/"), admitted(route, view)) for route, view in views.items()]
    django_settings.configure(
        ALLOWED_HOSTS=["*"],
        LOGGING_CONFIG=None,  # the service has its own
        MIDDLEWARE=[],  # every layer costs each request, and the contract has its own of what they do
        ROOT_URLCONF=URLconf(routes, missing),
    )
    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # a 503 is an answer, and no line in the log
    application = get_wsgi_application()

    def whatever_its_content_type(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """A body is JSON whatever Content-Type says; Django fails for one that it cannot read."""
        environ.pop("CONTENT_TYPE", None)
        return application(environ, start_response)  # type: ignore[no-any-return] # Django has no types

    return Observed(whatever_its_content_type, metrics, tracing), pool
