# One image for every process: serve SERVICE, work SERVICE, migrate, topics, first-start, doctor, …
# Everything but `otklik up`: the embedded PostgreSQL stays out (deploy/image-excludes.txt).
FROM python:3.11-slim-bookworm AS build
ENV VIRTUAL_ENV=/opt/otklik \
    UV_PYTHON_DOWNLOADS=never \
    UV_NO_CACHE=1 \
    UV_NO_PROGRESS=1 \
    UV_COMPILE_BYTECODE=1
WORKDIR /build
COPY requirements/bootstrap.txt requirements/runtime.txt deploy/image-excludes.txt ./
RUN python3 -m pip install --no-cache-dir --require-hashes --target /uv -r bootstrap.txt
RUN /uv/bin/uv venv --python python3 /opt/otklik \
    && /uv/bin/uv pip install --require-hashes --excludes image-excludes.txt -r runtime.txt
COPY pyproject.toml LICENSE ./
COPY libs libs
COPY services services
COPY otklik otklik
# Offline: what is not in the hashed file cannot come in here.
RUN /uv/bin/uv build --offline --all-packages --wheel --out-dir dist \
    && /uv/bin/uv pip install --offline --no-deps dist/*.whl \
    && /uv/bin/uv pip check

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 otklik \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin otklik \
    && install --directory --owner 10001 --group 10001 /run/otklik
COPY --from=build /opt/otklik /opt/otklik
ENV PATH=/opt/otklik/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OTKLIK_HOST=0.0.0.0
WORKDIR /
# By number: Kubernetes compares it with runAsNonRoot.
USER 10001:10001
# APIs and pages; workers answer probes and Prometheus on the second.
EXPOSE 8080 9080
ENTRYPOINT ["otklik"]
CMD ["--help"]
