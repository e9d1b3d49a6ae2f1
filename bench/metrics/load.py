"""What became of the requests of a load, how fast, and when."""

import math
from typing import Final

from bench.metrics.model import Metric

COUNTS: Final = (
    Metric(
        name="sent",
        text="Requests that were sent.",
        unit="requests",
        label="sent",
        decimals=0,
    ),
    Metric(
        name="ok",
        text="Requests served: answered with 200.",
        unit="requests",
        label="served",
        decimals=0,
        better="higher",
    ),
    Metric(
        name="timed_out",
        text="Requests rejected with 503 because no connection came free within the acquire timeout.",
        unit="requests",
        label="rejected",
        decimals=0,
        better="lower",
    ),
    Metric(
        name="failed",
        text="Requests that were neither served nor rejected for want of a connection.",
        unit="requests",
        label="failed otherwise",
        decimals=0,
        better="lower",
        dull=0,
    ),
    Metric(
        name="share_served",
        text="Requests served ÷ requests sent.",
        unit="1",
        label="share served",
        decimals=3,
        better="higher",
        missing="where nothing was sent",
    ),
)

RATES: Final = (
    Metric(
        name="goodput_per_s",
        text="Requests served ÷ the time from the first request to the last answer.",
        unit="1/s",
        label="goodput",
        better="higher",
        missing="where nothing was sent",
    ),
    Metric(
        name="efficiency",
        text="Requests served per second ÷ (c/h), what c connections held for h as asked can serve, "
        "while all of them are busy by forecast.",
        unit="1",
        label="goodput ÷ (c/h)",
        decimals=3,
        better="higher",
        missing="where the forecast has no such time, or under two batches were served in it",
    ),
    Metric(
        name="efficiency_of_hold",
        text="Requests served per second ÷ (c/h), as efficiency, with the mean hold as measured for h.",
        unit="1",
        label="goodput ÷ (c/h as measured)",
        decimals=3,
        better="higher",
        missing="as for efficiency",
    ),
)

TIMES: Final = (
    Metric(
        name="hold_ms_p50",
        text="The median time for which a served request held its connection.",
        unit="ms",
        label="hold as measured, p50",
        missing="where no request held one",
    ),
    Metric(
        name="queue_ms_p50",
        text="The median of the client's time less the handler's, mostly the queue in front of the framework.",
        unit="ms",
        label="server queue, p50",
        better="lower",
        missing="where no answer says how long the handler took, as without HTTP",
    ),
    Metric(
        name="wall_s",
        text="From the first request to the last answer.",
        unit="s",
        label="last answer after",
        better="lower",
        missing="where nothing was sent",
    ),
    Metric(
        name="first_timeout_s",
        text="When the first request was rejected for want of a connection, from the start of the load.",
        unit="s",
        label="first timeout at",
        missing="where no request was",
        beyond="none",
        dull=math.inf,
    ),
    Metric(
        name="last_ok_s",
        text="When the last request that was served had its answer, from the start of the load.",
        unit="s",
        label="last served at",
        missing="where no request was served",
    ),
)

RECOVERY: Final = (
    Metric(
        name="recovered_s",
        text="From the last leak to the end of the first request that got its connection after it.",
        unit="s",
        label="recovered after",
        better="lower",
        missing="where nothing leaked, or no request got a connection any more",
        beyond="never",
    ),
    Metric(
        name="served_again_s",
        text="From the end of the outage to the planned moment of the last request after it that was not served.",
        unit="s",
        label="all served again after",
        better="lower",
        missing="where there was no outage, or the last request was not served",
        beyond="never",
    ),
    Metric(
        name="backends_again_s",
        text="From the end of the outage to the first sample from which on PostgreSQL has as many backends of the "
        "service as its pool has connections.",
        unit="s",
        label="c backends again after",
        better="lower",
        missing="where there was no outage, no database to look at, or fewer backends to the end",
        beyond="never",
    ),
)
