"""Objects of a bucket by their very keys.

S3 takes any text as a key; obstore names objects by paths, without `//`, `..` and control characters, and a listing
with one such key fails as a whole. Here botocore does what has to be done with keys that others chose.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ndvi_core.storage.object_info import ObjectInfo

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

ATTEMPTS = 6
TIMEOUT_SECONDS = 60


class VerbatimBucket:
    """A bucket, or a folder of one, whose keys are taken as they are.

    Every method raises `FileNotFoundError`, `PermissionError`, `ValueError` for what the server refuses, and `OSError`
    if it cannot be reached or gives up for now.

    Args:
        url: `s3://bucket/folder`; keys are relative to it.
        variables: `AWS_*` variables; what is not among them comes from the environment.
    """

    def __init__(self, url: str, variables: Mapping[str, str]) -> None:
        self._bucket, _, folder = url.removeprefix("s3://").partition("/")
        self._root = f"{folder}/" if folder else ""
        self._variables = variables

    def list(self, folder: str) -> list[ObjectInfo]:
        """Return every object below a folder, that which makes the folder visible included."""
        below = f"{self._root}{folder}".rstrip("/")
        with _errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{below}/" if below else ""
            )
            entries = [entry for page in pages for entry in page.get("Contents", [])]
        return [_info(entry["Key"].removeprefix(self._root), entry["Size"], entry["ETag"]) for entry in entries]

    def head(self, key: str) -> ObjectInfo:
        """Return size and ETag of an object."""
        with _errors():
            answer = self._client.head_object(Bucket=self._bucket, Key=f"{self._root}{key}")
        return _info(key, answer["ContentLength"], answer["ETag"])

    def copy(self, source: str, target: str) -> None:
        """Copy an object, over what was there."""
        origin = {"Bucket": self._bucket, "Key": f"{self._root}{source}"}
        with _errors():
            self._client.copy_object(Bucket=self._bucket, Key=f"{self._root}{target}", CopySource=origin)

    def delete(self, key: str) -> None:
        """Delete an object."""
        with _errors():
            self._client.delete_object(Bucket=self._bucket, Key=f"{self._root}{key}")

    @cached_property
    def _client(self) -> Any:
        from boto3.session import Session
        from botocore.config import Config

        given = self._variables
        session = Session(
            aws_access_key_id=given.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=given.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=given.get("AWS_SESSION_TOKEN"),
            # Of the two names boto3 knows only the second one.
            region_name=given.get("AWS_REGION") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        )
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
        )
        return session.client("s3", endpoint_url=given.get("AWS_ENDPOINT_URL"), config=config)


def _info(key: str, size: int, etag: str) -> ObjectInfo:
    return ObjectInfo(key=key, size=size, etag=etag.strip('"'))


@contextmanager
def _errors() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        yield
    except ClientError as error:
        raise _as_builtin(error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise PermissionError(str(error)) from error
    except BotoCoreError as error:
        raise OSError(str(error)) from error


def _as_builtin(error: "ClientError") -> Exception:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status == 404:
        return FileNotFoundError(str(error))
    if status in (401, 403):
        return PermissionError(str(error))
    if 400 <= status < 500 and status not in (408, 429):
        return ValueError(str(error))
    return OSError(str(error))
