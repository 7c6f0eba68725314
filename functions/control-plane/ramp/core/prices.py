"""What AWS charges: US dollars in us-east-1, first tier, on arm64, no free tier taken off. The one place for prices.

Source: the public price pages of AWS Lambda, Step Functions, CloudWatch, AppConfig and X-Ray, as of AS_OF.
"""

AS_OF = "2026-02"

STATE_TRANSITION = 0.025 / 1_000  # Standard workflows
LAMBDA_REQUEST = 0.20 / 1_000_000
LAMBDA_GB_SECOND = 0.0000133334
METRIC_READ = 0.01 / 1_000  # GetMetricData, for each metric asked for
METRIC_MONTH = 0.30  # a custom metric, by the hour in which it got data
LOG_GB = 0.50  # taken in
FLAG_REQUEST = 0.20 / 1_000_000  # GetLatestConfiguration
FLAG_RECEIVED = 0.0008  # a configuration that had changed
TRACE = 5.00 / 1_000_000  # recorded
MONTH_SECONDS = 730 * 3_600
