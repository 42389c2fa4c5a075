"""The client: a service and its scans, with the verbs of a scan in a store."""
