"""SQLAlchemy's `Engine` over psycopg, whose adapter every stack that has it shares."""

from services.engines.queuepool import Pool

__all__ = ["Pool"]
