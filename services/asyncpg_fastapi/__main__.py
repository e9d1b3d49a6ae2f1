"""`python -m services.asyncpg_fastapi`: the service on uvicorn, until SIGTERM."""

from services.fronts.uvicorn import main
from services.stacks import ASYNCPG_FASTAPI

if __name__ == "__main__":
    main(ASYNCPG_FASTAPI)
