"""SQLAlchemy's `Engine` under FastAPI's `def` handlers: `uvicorn services.sqlalchemy_fastapi_threads.app:app`."""

from services.fronts.fastapi_threads.app import create_app
from services.sqlalchemy_fastapi_threads.pool import Pool
from services.stacks import SQLALCHEMY_FASTAPI_THREADS

app = create_app(SQLALCHEMY_FASTAPI_THREADS, Pool)
