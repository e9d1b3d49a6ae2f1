"""`python -m services.psycopg_fastapi`: the service on uvicorn, until SIGTERM."""

from services.fronts.uvicorn import main
from services.stacks import PSYCOPG_FASTAPI

if __name__ == "__main__":
    main(PSYCOPG_FASTAPI)
