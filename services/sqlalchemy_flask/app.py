"""SQLAlchemy's `Engine` under Flask: `gunicorn --threads 64 services.sqlalchemy_flask.app:app`."""

from services.fronts.flask.app import create_app
from services.sqlalchemy_flask.pool import Pool
from services.stacks import SQLALCHEMY_FLASK

app, pool = create_app(SQLALCHEMY_FLASK, Pool)
