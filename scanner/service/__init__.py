"""The service: a store root and a cluster behind HTTP."""
