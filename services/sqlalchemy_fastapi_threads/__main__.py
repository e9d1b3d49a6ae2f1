"""`python -m services.sqlalchemy_fastapi_threads`: the service on uvicorn, until SIGTERM."""

from services.fronts.uvicorn import main
from services.stacks import SQLALCHEMY_FASTAPI_THREADS

if __name__ == "__main__":
    main(SQLALCHEMY_FASTAPI_THREADS)
