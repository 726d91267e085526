"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from labcore import __version__
from labcore.access.proxies import Network
from labcore.api.classify import RECORDINGS, ClassifyHandler
from labcore.api.crossing import Crossing
from labcore.api.documentation import complete
from labcore.api.metrics import Metrics
from labcore.api.middleware import LOOPBACK, ServiceMiddleware, ServiceState, refuse
from labcore.api.problems import Problem
from labcore.api.routes import classify_routes, model_routes, watching_routes
from labcore.device import usable_cores
from labcore.errors import LabError
from labcore.serving.admission import Admission
from labcore.serving.batcher import DynamicBatcher
from labcore.serving.model_registry import ModelRegistry
from labcore.serving.settings import ServiceSettings


def create_app(
    registry: ModelRegistry,
    settings: ServiceSettings | None = None,
    *,
    keys: Collection[str] = (),
    hosts: Collection[str] | None = LOOPBACK,
    state: ServiceState | None = None,
    proxies: tuple[Network, ...] = (),
    root: str = "",
) -> FastAPI:
    """The service for the models of a registry. Its threads live from its start to its shutdown.

    Args:
        keys: one of these has to come with every request; none: nobody is asked.
        hosts: names under which it answers where there are no keys; None: any.
        state: shared with the server around it.
        proxies: whose word on where a request comes from is believed.
        root: the path that a proxy publishes it below, "" or ``/sounds``.
    """
    settings = settings or ServiceSettings()
    metrics, admission = Metrics(), Admission(settings)
    app = FastAPIOffline(
        title="Audio GPU Lab: classification service",
        version=__version__,
        description="Classifies sound files. Send one file as the body, or several as a form.",
        lifespan=_working(registry, settings, metrics, admission),
        openapi_url="/openapi.json",
        redirect_slashes=False,  # to an address without TLS, where a proxy has it
    )
    state = state or ServiceState()
    guarded = (401,) if keys else (403, 421)
    app.include_router(classify_routes(registry, settings, guarded))
    app.include_router(model_routes(registry, metrics, guarded))
    app.include_router(watching_routes(registry, metrics, state, guarded))
    complete(app, keyed=bool(keys))
    app.add_exception_handler(Problem, refuse)  # type: ignore[arg-type]
    for kind in (LabError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _refused)  # type: ignore[arg-type]
    app.add_middleware(
        ServiceMiddleware,
        settings=settings,
        admission=admission,
        metrics=metrics,
        state=state,
        keys=keys,
        hosts=None if keys else hosts,
        proxies=proxies,
        root=root,
    )
    return app


def _working(
    registry: ModelRegistry, settings: ServiceSettings, metrics: Metrics, admission: Admission
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What lives from the start of the service to its shutdown: the batcher, and the threads that decode."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        batcher = DynamicBatcher(
            registry.models[0].classifier.device,
            batch_size=settings.batch_size,
            threads=settings.threads,
            on_batch=metrics.on_batch,
        )
        decoders = ThreadPoolExecutor(settings.threads or usable_cores(), thread_name_prefix="decode")
        recordings = ThreadPoolExecutor(RECORDINGS, thread_name_prefix="recording")
        app.state.handler = ClassifyHandler(
            settings, Crossing(asyncio.get_running_loop()), batcher, decoders, recordings, metrics
        )
        metrics.watch(batcher, admission, registry)
        yield
        decoders.shutdown(wait=True, cancel_futures=True)
        recordings.shutdown(wait=True, cancel_futures=True)
        batcher.close()

    return lifespan


async def _refused(request: Request, error: LabError | RequestValidationError | HTTPException) -> Response:
    if isinstance(error, LabError):
        problem = Problem.of(error)
    elif isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        problem = Problem(422, "parameter", f"{place}: {first['msg']}", "See /docs for valid requests")
    else:
        remedy = "See /docs for the available paths" if error.status_code in (404, 405) else ""
        problem = Problem(error.status_code, "http", str(error.detail), remedy, headers=dict(error.headers or {}))
    return await refuse(request, problem)
