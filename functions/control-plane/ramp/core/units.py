"""What the product counts in: shares in parts per million, times in seconds."""

WHOLE_PPM = 1_000_000
MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60, 3_600, 86_400
