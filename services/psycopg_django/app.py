"""Django's own pool under Django: `gunicorn --threads 64 services.psycopg_django.app:app`."""

from services.fronts.django.app import create_app
from services.psycopg_django.pool import Pool
from services.stacks import PSYCOPG_DJANGO

app, pool = create_app(PSYCOPG_DJANGO, Pool)
