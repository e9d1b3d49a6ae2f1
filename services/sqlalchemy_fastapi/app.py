"""SQLAlchemy's `AsyncEngine` under FastAPI: `uvicorn services.sqlalchemy_fastapi.app:app`."""

from services.fronts.fastapi.app import create_app
from services.sqlalchemy_fastapi.pool import Pool
from services.stacks import SQLALCHEMY_FASTAPI

app = create_app(SQLALCHEMY_FASTAPI, Pool)
