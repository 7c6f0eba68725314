"""Where users are read from: control in memory, the candidate in PostgreSQL, and the candidate as a Lambda function."""
