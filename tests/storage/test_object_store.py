"""What the intake needs of a store: copies, what was read together with its ETag, and keys that it cannot handle."""

import boto3
import pytest
from botocore.config import Config

from ndvi_airflow.local.services import S3
from ndvi_core.errors import BadInput, NotFound
from ndvi_core.storage.object_store import Store


@pytest.fixture(params=["file", "s3"])
def bucket(request: pytest.FixtureRequest) -> Store:
    """A store on a folder, and one on S3."""
    store: Store = request.getfixturevalue("store" if request.param == "file" else "s3_store")
    return store


def test_what_was_read_is_told_from_what_replaced_it(bucket: Store) -> None:
    bucket.write("a/b.json", b"old")
    info, data = bucket.get("a/b.json")
    assert data == b"old"
    assert info == bucket.head("a/b.json")
    assert [info] == list(bucket.list("a/"))
    bucket.write("a/b.json", b"newer")
    assert bucket.head("a/b.json").etag != info.etag


def test_copy_overwrites_and_keeps_the_original(bucket: Store) -> None:
    bucket.write("a.json", b"new")
    bucket.write("b/c.json", b"old")
    bucket.copy("a.json", "b/c.json")
    assert (bucket.read("a.json"), bucket.read("b/c.json")) == (b"new", b"new")


def test_copying_what_is_not_there_names_it(bucket: Store) -> None:
    with pytest.raises(NotFound, match=r"none\.json does not exist"):
        bucket.copy("none.json", "b.json")


@pytest.mark.parametrize("key", ["a/../b", "a//b", "a/./b", "a\nb"])
def test_keys_that_it_does_not_take_are_bad_input(bucket: Store, key: str) -> None:
    with pytest.raises(BadInput, match="rename or remove"):
        bucket.write(key, b"")


def test_a_listing_with_such_a_key_is_not_worth_another_try(s3: S3, s3_store: Store) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=s3.url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=Config(response_checksum_validation="when_required"),
    )
    prefix = s3_store.url.removeprefix("s3://ndvi/")
    client.put_object(Bucket="ndvi", Key=f"{prefix}/pending/new\nline.geojson", Body=b"{}")
    with pytest.raises(BadInput, match=r'new line\.geojson".*rename or remove'):
        list(s3_store.list("pending/"))
