"""Writes what follows from the code: parts of files between markers, tables of the docs, and the dashboards."""
