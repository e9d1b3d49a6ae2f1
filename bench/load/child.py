"""The load generator's process: `python -m bench.load.child`.

It takes jobs on standard input and says events on standard output (see `services.workload.wire`); anything else that
is printed goes to standard error. It ends when its input ends, and so never outlives the bench.
"""

import os
import resource
import signal

MANY_FILES = 20_480


def main() -> None:
    """Prepare the process, then play jobs. A bug ends it, with its traceback on standard error."""
    # The bench sees to Ctrl-C, in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.dup(1)
    os.dup2(2, 1)
    _allow_many_sockets()
    from bench.load.serve import serve

    serve(answers)


def _allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(MANY_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
