"""In which order requests were served, and how evenly users were."""

from typing import Final

from bench.metrics.model import Metric

_UNORDERED: Final = (
    "where order means nothing (a burst, a sequence, several checkouts in one request) or an answer tells no wait"
)
_NO_USERS: Final = "unless several users were there from the first moment of a closed load to the last"

ORDER: Final = (
    Metric(
        name="inversions",
        text="Requests that got a connection before one that had certainly asked earlier and still waited.",
        unit="requests",
        label="overtook another",
        decimals=0,
        better="lower",
        missing=_UNORDERED,
    ),
    Metric(
        name="overtaken",
        text="Requests that waited while one that had certainly asked later got a connection.",
        unit="requests",
        label="were overtaken",
        decimals=0,
        better="lower",
        missing=_UNORDERED,
    ),
    Metric(
        name="fifo_distance_ms",
        text="The mean difference, up or down, between a wait and that in a pool which hands out the same connections "
        "at the same moments in the order of asking.",
        unit="ms",
        label="from first come first served, mean",
        better="lower",
        missing=_UNORDERED,
    ),
    Metric(
        name="fifo_excess_ms_max",
        text="The most by which a request waited longer than in a pool which hands out the same connections at the "
        "same moments in the order of asking.",
        unit="ms",
        label="waited longer than that, most",
        better="lower",
        missing=_UNORDERED,
    ),
    Metric(
        name="ask_known_ms_p99",
        text="The time within which the moment of asking is known, the 99th percentile over the requests.",
        unit="ms",
        label="moment of asking known within, p99",
        missing=_UNORDERED,
    ),
)

SHARES: Final = (
    Metric(
        name="jain_index",
        text="Jain's fairness index over the requests served of each user: 1 where all were served alike, "
        "1/n where one of n was served alone.",
        unit="1",
        label="Jain's index, served per user",
        short="Jain's index",
        decimals=3,
        better="higher",
        missing=_NO_USERS,
    ),
    Metric(
        name="jain_index_waits",
        text="Jain's fairness index over the mean wait of each user.",
        unit="1",
        label="Jain's index, mean wait per user",
        decimals=3,
        better="higher",
        missing=_NO_USERS,
    ),
    Metric(
        name="worst_user_share",
        text="Requests served of the worst-served user ÷ the mean over all users.",
        unit="1",
        label="worst served user ÷ mean",
        decimals=2,
        better="higher",
        missing=_NO_USERS,
    ),
    Metric(
        name="starved_users",
        text="Users who were served less than half as often as the mean.",
        unit="users",
        label="users served under half the mean",
        decimals=0,
        better="lower",
        missing=_NO_USERS,
    ),
    Metric(
        name="starved_share",
        text="Users who were served less than half as often as the mean ÷ users.",
        unit="1",
        label="share of users served under half the mean",
        short="starved users, share",
        decimals=3,
        better="lower",
        missing=_NO_USERS,
    ),
    Metric(
        name="longest_wait_ms",
        text="The longest time that a request waited for a connection, whether or not it got one.",
        unit="ms",
        label="longest wait of a request",
        short="longest wait",
        better="lower",
        missing="where no answer tells a wait",
    ),
)
