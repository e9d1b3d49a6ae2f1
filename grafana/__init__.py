"""The dashboards as code: `make generate` writes them to grafana/dashboards/."""
