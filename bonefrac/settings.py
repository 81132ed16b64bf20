"""Django's settings, one file in titled sections; every value comes through ``env.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog

from bonefrac import embedded, keys
from bonefrac.env import Environment

# --- Where things are -------------------------------------------------------------------------------------------

env = Environment()
BASE_DIR = Path(__file__).resolve().parent.parent
DATA = env.folder("BONEFRAC_DATA", BASE_DIR / ".data")
STORES_ROOT = env.folder("BONEFRAC_STORES", DATA / "stores")
DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
VERSION = "0.2.0"

# --- Secrets and hosts ------------------------------------------------------------------------------------------

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY") or keys.load_or_create(DATA, keys.SIGNING)
PSEUDONYM_SECRET = env.text("PSEUDONYM_SECRET") or keys.load_or_create(DATA, keys.PSEUDONYM)
FIELD_SECRET = env.text("FIELD_SECRET") or keys.load_or_create(DATA, keys.FIELD)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", [])
BEHIND_TLS = env.flag("BEHIND_TLS", False)
DEMO = env.flag("BONEFRAC_DEMO", False)

# --- Engines ----------------------------------------------------------------------------------------------------

_embedded = embedded.locations(DATA)
DATABASE_URL = env.text("DATABASE_URL") or _embedded.database_url
REDIS_URL = env.text("REDIS_URL") or _embedded.redis_url
_pooled = env.flag("DATABASE_POOL", False)  # web processes set it, after the fork; workers keep persistent connections
_pool = {
    "min_size": 1,
    "max_size": env.number("DATABASE_POOL_SIZE", 8, low=1),
    "timeout": env.number("DATABASE_POOL_SECONDS", 30, low=1),
}
_database = embedded.database_settings(DATABASE_URL)
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 0 if _pooled else None,
        # A device that calls after the database was away is not sent off for a connection that broke meanwhile.
        "CONN_HEALTH_CHECKS": not _pooled or env.text("BONEFRAC_PROCESS") == "dicom",
        "OPTIONS": {
            **_database["OPTIONS"],  # what the address says, sslmode for example
            "application_name": env.text("BONEFRAC_PROCESS", "bonefrac"),
            "options": f"-c statement_timeout={env.number('STATEMENT_TIMEOUT_MS', 60_000)}",
            **({"pool": _pool} if _pooled else {}),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://"),
        "KEY_PREFIX": "bonefrac",
    }
}

# --- Apps and middleware ----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_vite",
    "axes",
    "bonefrac.accounts",
    "bonefrac.audit",
    "inference",
    "studies",
    "bonefrac",
]
MIDDLEWARE = [
    "bonefrac.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bonefrac.accounts.middleware.IdleLockMiddleware",
    "bonefrac.accounts.middleware.SiteTimeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "bonefrac.middleware.DomainErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "bonefrac.urls"
WSGI_APPLICATION = "bonefrac.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bonefrac.context.platform",
            ]
        },
    }
]

# --- People -----------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "bonefrac.accounts.backends.PlatformBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
SESSION_COOKIE_AGE = env.number("SESSION_HOURS", 12, low=1) * 3600
IDLE_LOCK_SECONDS = env.number("IDLE_LOCK_MINUTES", 20, low=1) * 60
INVITATION_DAYS = env.number("INVITATION_DAYS", 7, low=1)
PASSWORD_RESET_TIMEOUT = INVITATION_DAYS * 86_400
AXES_FAILURE_LIMIT = env.number("SIGN_IN_ATTEMPTS", 10, low=3)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "bonefrac.accounts.views.session.locked_out"

# --- Mail: one-time links are sent where a host is named, and shown for copying in any case -----------------------

EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 587, low=1, high=65_535)
EMAIL_HOST_USER = env.text("EMAIL_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_TLS", True)
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "bonefrac@localhost")
#: Where people reach the platform, for links in mails that no request asked for.
PUBLIC_ADDRESS = env.text("PUBLIC_ADDRESS") or next(
    iter(CSRF_TRUSTED_ORIGINS), f"http://{env.text('HOST', '127.0.0.1')}:{env.text('PORT', '8000')}"
)

# --- Safety of the browser --------------------------------------------------------------------------------------

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_TLS
SECURE_HSTS_PRELOAD = BEHIND_TLS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "bonefrac_session"
CSRF_COOKIE_NAME = "bonefrac_csrf"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "bonefrac.pages.csrf_refused"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/api/v1/docs"],
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "connect-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}

# --- Language, time, static files -------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_I18N = USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = env.folder("STATIC_ROOT", BASE_DIR / "staticfiles")
STATICFILES_DIRS = [("dist", BASE_DIR / "static" / "dist")]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
DJANGO_VITE = {
    "default": {
        "dev_mode": False,
        "static_url_prefix": "dist",
        "manifest_path": BASE_DIR / "static" / "dist" / ".vite" / "manifest.json",
    }
}
SILENCED_SYSTEM_CHECKS = ["staticfiles.W004"]  # the built front end may be absent where only commands run

# --- Intake and reading -----------------------------------------------------------------------------------------

UPLOAD_FILE_BYTES = env.number("UPLOAD_FILE_MB", 64, low=1) * 1_000_000
UPLOAD_BATCH_FILES = env.number("UPLOAD_BATCH_FILES", 10_000, low=1)
UPLOAD_BATCH_BYTES = env.number("UPLOAD_BATCH_MB", 20_000, low=1) * 1_000_000
UPLOAD_FILES_PER_HOUR = env.number("UPLOAD_FILES_PER_HOUR", 50_000, low=1)
UPLOAD_REQUEST_FILES = 500
UPLOAD_PIXELS = env.number("UPLOAD_MEGAPIXELS", 64, low=1) * 1_000_000
ARCHIVE_NESTING = env.number("ARCHIVE_NESTING", 3, low=1, high=10)
ARCHIVE_RATIO = env.number("ARCHIVE_RATIO", 100, low=1)
ARCHIVE_ENTRIES = env.number("ARCHIVE_ENTRIES", 10_000, low=1)
DATA_UPLOAD_MAX_NUMBER_FILES = UPLOAD_REQUEST_FILES
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",  # a request of at most 2.5 MB
    "bonefrac.spooling.SpoolingHandler",
]
FILE_UPLOAD_TEMP_DIR = env.text("FILE_UPLOAD_TEMP_DIR") or None
MINIMUM_FREE_DISK = env.number("MINIMUM_FREE_DISK_PERCENT", 5, low=1, high=90) / 100
CLAIM_MINUTES = env.number("CLAIM_MINUTES", 15, low=1)
QUIET_SECONDS = env.number("QUIET_SECONDS", 30)
QUIET_TIMES_AT_MOST = 10
UNDO_SECONDS = 15
DRAFT_DAYS = env.number("DRAFT_DAYS", 30, low=1)  # of silence, then a draft is dropped
FILE_NAME_DAYS = 30

# --- DICOM network: devices that store over C-STORE; script/server listens where DICOM_PORT is set ----------------

DICOM_HOST = env.text("DICOM_HOST", env.text("HOST", "127.0.0.1"))
DICOM_PORT = env.number("DICOM_PORT", 11_112, high=65_535)
DICOM_AE_TITLE = env.text("DICOM_AE_TITLE", "BONEFRAC")
DICOM_ASSOCIATIONS = env.number("DICOM_ASSOCIATIONS", 10, low=1, high=200)
DICOM_SECONDS = env.number("DICOM_SECONDS", 60, low=1, high=3600)  # of silence, then an association is ended
DICOM_TLS_CERTIFICATE = env.text("DICOM_TLS_CERTIFICATE")  # a file with the chain; empty: no TLS
DICOM_TLS_KEY = env.text("DICOM_TLS_KEY")
DICOM_TLS_CLIENT_CA = env.text("DICOM_TLS_CLIENT_CA")  # devices must show a certificate of this authority

# --- Background work --------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 660,  # 1.1 times the longest hard limit
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TIMEZONE = "UTC"
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 30, low=1)
CELERY_BEAT_SCHEDULE = {
    "sweep-intake": {"task": "intake.sweep", "schedule": SWEEP_SECONDS},
    "sweep-inference": {"task": "inference.sweep", "schedule": SWEEP_SECONDS},
    "sweep-studies": {"task": "studies.sweep", "schedule": SWEEP_SECONDS},
    "tell": {"task": "studies.tell", "schedule": SWEEP_SECONDS},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA / "run" / "beat-schedule")
JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 120, low=5)
JOB_ATTEMPTS = 3
INFERENCE_ENGINE = env.choice("INFERENCE_ENGINE", ("litert", "keras"), "litert")

# --- Interface for programs -------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "bonefrac.accounts.tokens.AccessTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_PAGINATION_CLASS": None,
    "EXCEPTION_HANDLER": "bonefrac.api.answer_error",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "bonefrac",
    "DESCRIPTION": "Reading bone radiographs together with an AI. Research and evaluation. Not a medical device.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "FileStatusEnum": "studies.states.FileStatus.choices",
        "ImageVerdictEnum": "studies.states.ImageVerdict.choices",
        "JobStatusEnum": "inference.states.JobStatus.choices",
        "ModelStatusEnum": "inference.states.ModelStatus.choices",
        "RoleEnum": "bonefrac.accounts.models.Role.choices",
        "StudyStatusEnum": "studies.states.StudyStatus.choices",
        "VerdictEnum": "studies.states.Verdict.choices",
    },
}

# --- Logs -------------------------------------------------------------------------------------------------------

_shared: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": _shared,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "axes": {"level": "WARNING"},
        # These quote what files say of people: EXIF at DEBUG, malformed header values at WARNING.
        "PIL": {"level": "WARNING"},
        "pydicom": {"level": "CRITICAL"},
        "pynetdicom": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=False,
)

env.verify()
