"""`psycopg_pool.AsyncConnectionPool` under FastAPI: `uvicorn services.psycopg_fastapi.app:app`."""

from services.fronts.fastapi.app import create_app
from services.psycopg_fastapi.pool import Pool
from services.stacks import PSYCOPG_FASTAPI

app = create_app(PSYCOPG_FASTAPI, Pool)
