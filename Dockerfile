# One image for every process but the trainer's, which adds TensorFlow. No process runs as root.
# The embedded engines are installed with the serving requirements and unused here: DATABASE_URL and REDIS_URL are set.

FROM node:24-bookworm-slim AS front
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY vite.config.js ./
COPY static ./static
COPY templates ./templates
RUN npm run build

FROM python:3.13-slim-bookworm AS serving
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    DJANGO_SETTINGS_MODULE=bonefrac.settings BONEFRAC_DATA=/data STATIC_ROOT=/app/staticfiles
RUN useradd --system --uid 10001 --create-home --home-dir /home/bonefrac bonefrac \
    && install -d -o bonefrac -g bonefrac -m 0700 /data
WORKDIR /app
COPY requirements-serving.txt ./
RUN pip install -r requirements-serving.txt
COPY manage.py ./
COPY bonefrac ./bonefrac
COPY studies ./studies
COPY inference ./inference
COPY training ./training
COPY templates ./templates
COPY --from=front /build/static ./static
RUN SECRET_KEY=build PSEUDONYM_SECRET=build FIELD_SECRET=build BONEFRAC_DATA=/tmp/build \
    python manage.py collectstatic --no-input && python -m whitenoise.compress --quiet staticfiles && rm -rf /tmp/build
USER bonefrac
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "-c", "python:bonefrac.webserver", "bonefrac.wsgi"]

FROM serving AS training
USER root
COPY requirements.txt ./
RUN pip install -r requirements.txt
USER bonefrac

# The last stage is what an unnamed target builds.
FROM serving
