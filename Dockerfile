# The lab in a container: docs/container.md tells how to use it.
#
#   docker build -t audio-gpu-lab .                                                     CUDA, torch as in the base image
#   docker build -t audio-gpu-lab --build-arg BASE_IMAGE=pytorch/pytorch:… .            with another torch
#   docker build -t audio-gpu-lab:cpu --build-arg BASE_IMAGE=python:3.12-slim .         no GPU: the CPU wheels of torch
ARG BASE_IMAGE=pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
FROM ${BASE_IMAGE}

# APT_PACKAGES: more of the distribution; "g++" for torch.compile, "ffmpeg" for M4A, AAC and WebM. NOTEBOOKS=0: without JupyterLab.
# TORCH_INDEX: where torch and its companions come from, where the base image lacks them. LOCKED=0: packages as the index gives them
# for requirements.txt, for a Python or a machine that the lock files do not know.
ARG APT_PACKAGES=
ARG NOTEBOOKS=1
ARG LOCKED=1
ARG TORCH_INDEX=

USER 0
SHELL ["/bin/sh", "-eu", "-c"]

# A user of its own, with the number that most people have on their machine. Any other works as well (--user).
# hadolint ignore=SC2086
RUN apt-get update; \
    apt-get install -y --no-install-recommends tini $APT_PACKAGES; \
    rm -rf /var/lib/apt/lists/*; \
    if ! grep -q '^[^:]*:[^:]*:1000:' /etc/group; then echo 'lab:x:1000:' >> /etc/group; fi; \
    if ! grep -q '^[^:]*:[^:]*:1000:' /etc/passwd; then echo 'lab:x:1000:1000:Audio GPU Lab:/tmp:/bin/sh' >> /etc/passwd; fi; \
    mkdir -p /app /data /workspace; \
    chown 1000:1000 /workspace; \
    chmod 1777 /workspace

# A venv that sees the packages of the base and cannot change them: conda, Debian and PEP 668 are all the same to it.
COPY requirements.txt requirements.lock requirements-container.txt requirements-container.lock scripts/container_packages.py /opt/build/
RUN python3 -m venv --system-site-packages --without-pip /opt/lab; \
    set -- /opt/build/requirements.txt; \
    if [ "$NOTEBOOKS" = 1 ]; then set -- "$@" /opt/build/requirements-container.txt; fi; \
    if [ "$LOCKED" = 1 ]; then set -- --locked "$@"; fi; \
    /opt/lab/bin/python /opt/build/container_packages.py install "$@"

# All state lies in /workspace, what is passing in /tmp, so that the rest can be read-only. Compiled kernels lie in the workspace, since
# a tmpfs forbids to execute what is in it. USER and LOGNAME are for programs that ask after the name of a user who has none here.
ENV PATH=/opt/lab/bin:$PATH \
    LABCORE_HOME=/workspace \
    HOME=/tmp USER=lab LOGNAME=lab \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PIP_CONSTRAINT=/opt/lab/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 STREAMLIT_SERVER_PORT=8501 STREAMLIT_SERVER_HEADLESS=true \
    HF_HOME=/workspace/cache/huggingface TORCH_HOME=/workspace/cache/torch \
    TORCHINDUCTOR_CACHE_DIR=/workspace/cache/inductor TRITON_CACHE_DIR=/workspace/cache/triton CUDA_CACHE_PATH=/workspace/cache/cuda \
    NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib JUPYTER_RUNTIME_DIR=/tmp/jupyter IPYTHONDIR=/tmp/ipython

# The code last: a change of it costs seconds.
COPY pyproject.toml README.md LICENSE streamlit_app.py /app/
COPY .streamlit /app/.streamlit
COPY labcore /app/labcore
COPY pages /app/pages
COPY ui /app/ui
COPY static /app/static
COPY notebooks /app/notebooks
RUN chmod -R u=rwX,go=rX /app; \
    python -m pip install --no-cache-dir --root-user-action=ignore --no-deps --editable /app; \
    python -m compileall -q /app/labcore /app/pages /app/ui; \
    python /opt/build/container_packages.py check; \
    find /workspace /tmp -mindepth 1 -delete

ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Audio GPU Lab" \
      org.opencontainers.image.description="Audio classification on a GPU: pages, command line, service and notebooks" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"

USER 1000:1000
WORKDIR /workspace
VOLUME ["/workspace"]
EXPOSE 8501 8000 8888 6006
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 CMD ["/opt/lab/bin/python", "-m", "labcore.container.health"]
# An init of its own, so that signals and orphans are seen to without --init too (Kubernetes has none). A stop by SIGTERM is no failure.
# app, worker, jupyter and tensorboard are started as the lab does; anything else is a command: labcore doctor, labcore serve …, bash.
ENTRYPOINT ["tini", "-s", "-g", "-e", "143", "--", "/opt/lab/bin/python", "-m", "labcore.container"]
CMD ["app"]
