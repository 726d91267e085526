"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Query
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from labcore import __version__
from labcore.access.proxies import Network
from labcore.api import schemas
from labcore.api.classify import RECORDINGS, Asked, ClassifyHandler, clips_of, unless_gone
from labcore.api.documentation import BODY, HOP, LEAST, TOP_K, WINDOWS, complete, problems
from labcore.api.logs import requests as log
from labcore.api.metrics import CONTENT_TYPE, Metrics
from labcore.api.middleware import LOOPBACK, RequestContext, ServiceMiddleware, ServiceState, refuse
from labcore.api.problems import Problem
from labcore.batch.segments import THRESHOLD
from labcore.device import usable_cores
from labcore.errors import LabError
from labcore.serving import DynamicBatcher, Model, ModelFacts, ModelRegistry, ServiceSettings
from labcore.serving.admission import Admission


def create_app(
    registry: ModelRegistry,
    settings: ServiceSettings | None = None,
    *,
    keys: Collection[str] = (),
    hosts: Collection[str] | None = LOOPBACK,
    state: ServiceState | None = None,
    proxies: tuple[Network, ...] = (),
) -> FastAPI:
    """The service for the models of a registry. Its threads live from its start to its shutdown.

    Args:
        keys: one of these has to come with every request; none: nobody is asked.
        hosts: names under which it answers where there are no keys; None: any.
        state: shared with the server around it.
        proxies: whose word on where a request comes from is believed.
    """
    settings = settings or ServiceSettings()
    metrics, admission = Metrics(), Admission(settings)
    threads = settings.threads or usable_cores()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        batcher = DynamicBatcher(
            registry.models[0].classifier.device,
            batch_size=settings.batch_size,
            threads=settings.threads,
            on_batch=metrics.on_batch,
        )
        decoders = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        recordings = ThreadPoolExecutor(RECORDINGS, thread_name_prefix="recording")
        app.state.handler = ClassifyHandler(settings, batcher, decoders, recordings, metrics)
        metrics.watch(batcher, admission, registry)
        yield
        decoders.shutdown(wait=True, cancel_futures=True)
        recordings.shutdown(wait=True, cancel_futures=True)
        batcher.close()

    app = FastAPIOffline(
        title="Audio GPU Lab: classification service",
        version=__version__,
        description="Classifies sound files. Send one file as the body, or several as a form.",
        lifespan=lifespan,
        openapi_url="/openapi.json",
    )
    state = state or ServiceState()
    guarded = (401,) if keys else (403, 421)
    _routes(app, registry, settings, metrics, state, guarded)
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
    )
    return app


def _routes(
    app: FastAPI,
    registry: ModelRegistry,
    settings: ServiceSettings,
    metrics: Metrics,
    state: ServiceState,
    guarded: tuple[int, ...],
) -> None:
    def model_named(name: str) -> Model:
        model = registry.get(name)
        if model is None:
            known = ", ".join(model.name for model in registry.models)
            raise Problem(404, "model", "there is no model of that name", f"There is {known}")
        return model

    @app.post(
        "/v1/classify",
        response_model=schemas.Predictions,
        responses=problems(400, 404, 408, 413, 415, 422, 503, *guarded),
        openapi_extra=BODY,
        summary="Classify clips",
    )
    async def classify(
        request: Request,
        model: Annotated[str, Query(description="Model to use. Default: the first.", max_length=200)] = "",
        top_k: Annotated[int | None, TOP_K] = None,
        windows: Annotated[Literal["labels", "full", "none"], WINDOWS] = "labels",
        hop_seconds: Annotated[float | None, HOP] = None,
        threshold: Annotated[float, LEAST] = THRESHOLD,
    ) -> Response:
        """One file as the body (`curl --data-binary @clip.wav -H 'Content-Type: audio/wav'`), or one or several as a form
        (`curl -F file=@a.wav -F file=@b.mp3`). WAV, AIFF, FLAC, Ogg Vorbis, Opus and MP3 of any rate.

        A recording of several windows is answered with what occurs when, too: `events` by time and a `summary` of each label.
        A single file that cannot be read is a 422; among several it gets an `error` in its place and the others are answered."""
        context: RequestContext = request.state.context
        chosen = model_named(model)
        assert context.reservation is not None
        clips = await clips_of(request, settings, context.reservation)
        handler: ClassifyHandler = app.state.handler
        asked = Asked(top_k, windows, hop_seconds, threshold)
        content = await unless_gone(context, handler.handle(clips, chosen, asked, context))
        return Response(content, media_type="application/json")

    @app.get(
        "/v1/models",
        response_model=schemas.ModelList,
        responses=problems(*guarded),
        summary="List the models",
    )
    async def models() -> schemas.ModelList:
        return schemas.ModelList(models=[model.facts for model in registry.models])

    @app.get(
        "/v1/models/{name}",
        response_model=ModelFacts,
        responses=problems(404, 422, *guarded),
        summary="Describe a model",
    )
    async def model(name: Annotated[str, Path(max_length=200)]) -> ModelFacts:
        return model_named(name).facts

    @app.post(
        "/v1/reload",
        response_model=schemas.Reloaded,
        responses=problems(409, *guarded),
        summary="Reload changed weights",
    )
    async def reload() -> dict[str, Any]:
        """Requests in hand are answered by the weights they began with. Weights that do not load, or do not answer their golden clips
        as at the end of training, are not taken: those that were there stay."""
        return {"reloaded": await reload_models(registry, metrics)}

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", response_model=schemas.Status, summary="Liveness")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", response_model=schemas.Status, responses=problems(503), summary="Readiness")
    async def readyz() -> dict[str, str]:
        if not state.ready:
            raise Problem(503, "draining", "the service is shutting down")
        if app.state.handler.batcher.failing:
            raise Problem(503, "failing", "the network fails repeatedly", "Restart the service; its log has the reason")
        return {"status": "ready"}

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **problems(*guarded)},
        summary="Prometheus metrics",
    )
    async def figures() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/", response_model=schemas.Service, responses=problems(*guarded), include_in_schema=False)
    async def root() -> dict[str, Any]:
        names = [model.name for model in registry.models]
        return {"service": "Audio GPU Lab", "version": __version__, "documentation": "/docs", "models": names}


async def reload_models(registry: ModelRegistry, metrics: Metrics) -> dict[str, bool]:
    """Reload beside the requests; which names got other weights.

    Raises:
        Problem: some could not be exchanged. The others were.
    """
    before = {model.name: model.facts.sha256 for model in registry.models}
    outcome = await asyncio.get_running_loop().run_in_executor(None, registry.reload)
    metrics.note_models(registry)
    changed = {model.name: model.facts.sha256 != before[model.name] for model in registry.models}
    failed = {name: error for name, error in outcome.items() if error is not None}
    metrics.reloads.labels("failed" if failed else "done").inc()
    log.info(
        "reload",
        extra={"facts": {"reloaded": changed, "refused": {name: str(error) for name, error in failed.items()}}},
    )
    if failed:
        name, error = next(iter(failed.items()))
        raise Problem(
            409, "weights", f"{name} keeps the weights it had: {error.what}", error.remedy, more={"reloaded": changed}
        )
    return changed


# --- what goes wrong on the way


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
