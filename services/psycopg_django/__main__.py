"""`python -m services.psycopg_django`: the service on gunicorn's threads, until SIGTERM."""

from services.fronts.gunicorn import main
from services.stacks import PSYCOPG_DJANGO

if __name__ == "__main__":
    main(PSYCOPG_DJANGO)
