"""The one kind of error that a user can cause, and the one that ends a command on no fault of its own."""


class UserError(Exception):
    """Wrong use, told in one line that says what to change. The command line prints it and exits with status 2.

    Everything else that is raised is a bug and keeps its traceback.
    """


class PostgresDied(RuntimeError):
    """The embedded PostgreSQL, or its keeper, has ended by itself or was killed; the text says which, and how.

    The command line prints it and exits with status 1.
    """
