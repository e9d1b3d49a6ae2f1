"""What the dashboards take from Grafana's Foundation SDK, imported in this one place.

The SDK says at import that it prefers the newer dashboard model. The classic one is meant here: it is what Grafana
reads from provisioned files.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.runtime import UnknownDataquery
    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models import common, dashboard, gauge, prometheus, stat, timeseries

__all__ = [
    "Dataquery",
    "JSONEncoder",
    "UnknownDataquery",
    "common",
    "dashboard",
    "gauge",
    "prometheus",
    "stat",
    "timeseries",
]
