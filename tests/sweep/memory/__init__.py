"""AWS in memory: the operations that the ramp uses, behind clients shaped like boto3's, each call open to a fault."""
