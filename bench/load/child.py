"""The load generator's process: `python -m bench.load.child`.

It takes jobs on standard input and says events on standard output (see `services.workload.wire`); anything else that
is printed goes to standard error. It ends when its input ends, and so never outlives the bench.
"""

import os
import signal

from bench.surroundings import allow_many_files


def main() -> None:
    """Prepare the process, then play jobs. A bug ends it, with its traceback on standard error."""
    # The bench sees to Ctrl-C, in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.dup(1)
    os.dup2(2, 1)
    allow_many_files()
    from bench.load.serve import serve

    serve(answers)


if __name__ == "__main__":
    main()
