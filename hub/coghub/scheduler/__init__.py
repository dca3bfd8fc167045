"""Background loops: give predictions to instances, scale, watch, reap, deliver webhooks."""
