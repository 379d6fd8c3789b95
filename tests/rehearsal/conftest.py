"""The local AWS that the tests of a module share, and what they deploy on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from partner_account_rehearsal.local_aws import LocalAws, local_aws


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A running local AWS."""
    with local_aws() as aws:
        yield aws


@pytest.fixture
def nested(aws: LocalAws) -> Iterator[Callable[[Mapping[str, Any]], dict[str, Any]]]:
    """Makes a nested stack of a template, which stands in a bucket until the test is over."""
    s3, keys = aws.client("s3"), count()
    s3.create_bucket(Bucket="templates")

    def nested_stack(template: Mapping[str, Any]) -> dict[str, Any]:
        key = f"{next(keys)}.json"
        s3.put_object(Bucket="templates", Key=key, Body=json.dumps(template))
        url = f"https://s3.us-east-1.amazonaws.com/templates/{key}"
        return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}

    yield nested_stack
    for one in s3.list_objects_v2(Bucket="templates").get("Contents", ()):
        s3.delete_object(Bucket="templates", Key=one["Key"])
    s3.delete_bucket(Bucket="templates")
