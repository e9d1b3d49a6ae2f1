"""The one kind of error that a user can cause."""


class UserError(Exception):
    """Wrong use, told in one line that says what to change. The command line prints it and exits with status 2.

    Everything else that is raised is a bug and keeps its traceback.
    """
