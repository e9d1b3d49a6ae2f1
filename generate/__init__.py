"""What cannot read the registry of stacks is written from it: parts of files between markers, and the dashboards."""
