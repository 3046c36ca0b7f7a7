"""A CloudFormation custom resource that invokes a function and fails when it fails. The source is the Lambda's whole
code (4 KB at most): nothing of Slipway is imported. Deleting the resource does nothing: a schema is never taken back."""

import json
import urllib.request
from typing import Any


def invoke(properties: dict[str, str]) -> None:
    """Invoke, shaped as EventBridge would; raises RuntimeError with the function's own words."""
    import boto3
    from botocore.config import Config

    # One attempt and a long wait: a second migration beside the first would only wait for its lock.
    client = boto3.client("lambda", config=Config(read_timeout=890, retries={"total_max_attempts": 1}))
    event = {
        "source": "slipway.deploy",
        "detail-type": properties["DetailType"],
        "detail": {"phase": properties["Phase"]},
    }
    answer = client.invoke(FunctionName=properties["Function"], Payload=json.dumps(event))
    if "FunctionError" in answer:
        raise RuntimeError(answer["Payload"].read().decode(errors="replace")[:1000])


def handler(event: dict[str, Any], context: Any) -> None:
    status, reason = "SUCCESS", ""
    if event["RequestType"] != "Delete":
        try:
            invoke(event["ResourceProperties"])
        except Exception as error:  # CloudFormation waits for an answer, whatever went wrong
            status, reason = "FAILED", f"{type(error).__name__}: {error}"
    answer = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": event.get("PhysicalResourceId", "slipway-deploy"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    # A presigned address of CloudFormation's own bucket: it takes no content type but the empty one.
    headers, body = {"Content-Type": ""}, json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], body, headers, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
