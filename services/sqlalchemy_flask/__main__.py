"""`python -m services.sqlalchemy_flask`: the service on gunicorn's threads, until SIGTERM."""

from services.fronts.gunicorn import main
from services.stacks import SQLALCHEMY_FLASK

if __name__ == "__main__":
    main(SQLALCHEMY_FLASK)
