"""`python -m services.sqlalchemy_fastapi`: the service on uvicorn, until SIGTERM."""

from services.fronts.uvicorn import main
from services.stacks import SQLALCHEMY_FASTAPI

if __name__ == "__main__":
    main(SQLALCHEMY_FASTAPI)
