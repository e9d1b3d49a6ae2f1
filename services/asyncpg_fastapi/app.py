"""`asyncpg.Pool` under FastAPI: `uvicorn services.asyncpg_fastapi.app:app`."""

from services.asyncpg_fastapi.pool import Pool
from services.fronts.fastapi.app import create_app
from services.stacks import ASYNCPG_FASTAPI

app = create_app(ASYNCPG_FASTAPI, Pool)
