"""`psycopg_pool.ConnectionPool` under Flask: `gunicorn --threads 64 services.psycopg_flask.app:app`."""

from services.fronts.flask.app import create_app
from services.psycopg_flask.pool import Pool
from services.stacks import PSYCOPG_FLASK

app, pool = create_app(PSYCOPG_FLASK, Pool)
