"""`python -m services.psycopg_flask`: the service on gunicorn's threads, until SIGTERM."""

from services.fronts.gunicorn import main
from services.stacks import PSYCOPG_FLASK

if __name__ == "__main__":
    main(PSYCOPG_FLASK)
