"""The addresses of the service, and what is answered at each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from labcore import __version__
from labcore.api import schemas
from labcore.api.classify import ClassifyHandler, unless_gone
from labcore.api.documentation import BODY, problems
from labcore.api.logs import requests as log
from labcore.api.metrics import CONTENT_TYPE, Metrics
from labcore.api.middleware import RequestContext, ServiceState
from labcore.api.problems import Problem
from labcore.api.uploads import as_plain, clips_of
from labcore.serving.model_registry import Model, ModelFacts, ModelRegistry
from labcore.serving.settings import ServiceSettings
from labcore.texts import closest


class _StraightRoute(APIRoute):
    """A route of ``(request, asked)``, documented by the framework and called without it: its solving of parameters anew for each
    request takes longer than all else that happens to a short clip outside of the network."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handler(request: Request) -> Response:
            response: Response = await self.endpoint(request, _asked_of(request.scope["query_string"]))
            return response

        return handler


@lru_cache(maxsize=64)  # clients ask in the same way again and again
def _asked_of(query: bytes) -> schemas.ClassifyRequest:
    """What the query of a request asks for.

    Raises:
        Problem: a parameter that there is not, or one that is given several times.
        RequestValidationError: a value that there is not.
    """
    asked, known = QueryParams(query.decode("latin-1")), schemas.ClassifyRequest.model_fields
    given = dict(asked)
    if (name := next((name for name in given if name not in known), None)) is not None:
        called = as_plain(name, 80)
        raise Problem(
            422,
            "parameter",
            f"there is no parameter {called!r}{closest(called, known)}",
            f"There are {', '.join(known)}",
        )
    if (name := next((name for name in given if len(asked.getlist(name)) > 1), None)) is not None:
        raise Problem(422, "parameter", f"the parameter {name!r} is given several times", "Give it once")
    try:
        return schemas.ClassifyRequest.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("query", *each["loc"])} for each in error.errors()]) from error


def classify_routes(registry: ModelRegistry, settings: ServiceSettings, guarded: tuple[int, ...]) -> APIRouter:
    """Where clips are classified. ``guarded``: statuses of whoever may not ask."""
    router = APIRouter(route_class=_StraightRoute)

    @router.post(
        "/v1/classify",
        response_model=schemas.Predictions,
        responses=problems(400, 404, 408, 413, 415, 422, 503, *guarded),
        openapi_extra=BODY,
        summary="Classify clips",
    )
    async def classify(request: Request, asked: Annotated[schemas.ClassifyRequest, Query()]) -> Response:
        """One file as the body (`curl --data-binary @clip.wav -H 'Content-Type: audio/wav'`), or one or several as a form
        (`curl -F file=@a.wav -F file=@b.mp3`). WAV, AIFF, FLAC, Ogg Vorbis, Opus and MP3 of any rate.

        A recording of several windows is answered with what occurs when, too: `events` by time and a `summary` of each label.
        A single file that cannot be read is a 422; among several it gets an `error` in its place and the others are answered."""
        context: RequestContext = request.state.context
        chosen = _model_named(registry, asked.model)
        assert context.reservation is not None
        clips = await clips_of(request, settings, context.reservation)
        handler: ClassifyHandler = request.app.state.handler
        content = await unless_gone(context, handler.handle(clips, chosen, asked, context))
        return Response(content, media_type="application/json")

    return router


def model_routes(registry: ModelRegistry, metrics: Metrics, guarded: tuple[int, ...]) -> APIRouter:
    """Which classifiers there are, and their reload."""
    router = APIRouter()

    @router.get("/v1/models", response_model=schemas.ModelList, responses=problems(*guarded), summary="List the models")
    async def models() -> schemas.ModelList:
        return schemas.ModelList(models=[model.facts for model in registry.models])

    @router.get(
        "/v1/models/{name}",
        response_model=ModelFacts,
        responses=problems(404, 422, *guarded),
        summary="Describe a model",
    )
    async def model(name: Annotated[str, Path(max_length=200)]) -> ModelFacts:
        return _model_named(registry, name).facts

    @router.post(
        "/v1/reload",
        response_model=schemas.Reloaded,
        responses=problems(409, *guarded),
        summary="Reload changed weights",
    )
    async def reload() -> dict[str, Any]:
        """Requests in hand are answered by the weights they began with. Weights that do not load, or do not answer their golden clips
        as at the end of training, are not taken: those that were there stay."""
        return {"reloaded": await reload_models(registry, metrics)}

    return router


def watching_routes(
    registry: ModelRegistry, metrics: Metrics, state: ServiceState, guarded: tuple[int, ...]
) -> APIRouter:
    """For whoever watches the service."""
    router, open_to = APIRouter(), [status for status in guarded if status != 401]  # no key is asked for

    def check_network(request: Request) -> None:
        if request.app.state.handler.batcher.failing:
            raise Problem(503, "failing", "the network fails repeatedly", "Restart the service; its log has the reason")

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", response_model=schemas.Status, responses=problems(503, *open_to), summary="Liveness")
    async def healthz(request: Request) -> dict[str, str]:
        check_network(
            request
        )  # which a restart mends, and nothing else: who is not ready gets no request that would succeed
        return {"status": "alive"}

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", response_model=schemas.Status, responses=problems(503, *open_to), summary="Readiness")
    async def readyz(request: Request) -> dict[str, str]:
        if not state.ready:
            raise Problem(503, "draining", "the service is shutting down")
        check_network(request)
        return {"status": "ready"}

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **problems(*guarded)},
        summary="Prometheus metrics",
    )
    async def figures() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @router.get("/", include_in_schema=False)
    async def root(request: Request) -> dict[str, Any]:
        names, documentation = [model.name for model in registry.models], f"{request.scope.get('root_path', '')}/docs"
        return {"service": "Audio GPU Lab", "version": __version__, "documentation": documentation, "models": names}

    return router


def _model_named(registry: ModelRegistry, name: str) -> Model:
    model = registry.get(name)
    if model is None:
        known = ", ".join(model.name for model in registry.models)
        raise Problem(404, "model", "there is no model of that name", f"There is {known}")
    return model


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
