"""Jobs: scans that were asked for, in a queue on the disk, and who starts and follows them."""
