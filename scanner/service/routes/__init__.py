"""What can be asked of the service, a file for each kind of question."""
