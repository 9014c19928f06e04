"""What Azure Monitor knows of an endpoint: metrics, the traffic log, the activity log; and traffic that is made up."""
