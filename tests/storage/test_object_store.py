"""What the intake needs of a store: copies, what was read together with its ETag, and keys that it cannot handle."""

import pytest
from support.replay import Answer, replay
from support.uploads import put

from ndvi_airflow.local.services import S3
from ndvi_core.errors import BadInput, NotFound, TryAgain
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


@pytest.mark.parametrize("key", ["a/../b", "a//b", "/a", "a/.", "a\tb", "a\x7fb", "..", "b/"])
def test_objects_of_such_keys_are_listed_and_can_be_moved_away(any_keys: Store, moto: S3, key: str) -> None:
    put(moto, any_keys, f"in/{key}", b"odd")
    put(moto, any_keys, "in/plain", b"plain")
    put(moto, any_keys, "input", b"not below that folder")
    listed = {info.key: info for info in any_keys.list("in/")}
    assert set(listed) == {f"in/{key}", "in/plain"}
    assert listed["in/plain"] == any_keys.head("in/plain")
    assert listed[f"in/{key}"] == any_keys.head(f"in/{key}")
    any_keys.copy(f"in/{key}", "out")
    any_keys.delete(f"in/{key}")
    assert [info.key for info in any_keys.list("")] == ["in/plain", "input", "out"]
    assert any_keys.read("out") == b"odd"


def test_a_listing_goes_on_over_all_pages(any_keys: Store, moto: S3) -> None:
    keys = [f"{number:02}" for number in range(12)]
    for key in keys:
        put(moto, any_keys, key, b"")
    assert [info.key for info in any_keys.list("")] == keys


def test_odd_keys_that_are_not_there_are_not_found(any_keys: Store) -> None:
    with pytest.raises(NotFound):
        any_keys.head("a//b")
    with pytest.raises(NotFound):
        any_keys.copy("a//b", "c")
    any_keys.delete("a//b")


def test_a_listing_without_rights_is_bad_input(s3: S3) -> None:
    variables = {**s3.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    with pytest.raises(BadInput, match="check the credentials"):
        list(Store("s3://ndvi", variables).list("a/"))


def test_a_listing_of_a_bucket_that_is_not_there_says_so(any_keys: Store) -> None:
    with pytest.raises(NotFound, match="s3://none/a/ does not exist"):
        list(Store("s3://none").list("a/"))


@pytest.mark.parametrize(
    ("code", "remedy"), [("RequestTimeTooSkewed", "set the clock"), ("QuotaExceeded", "make room or raise it")]
)
def test_a_refusal_that_passes_is_not_taken_for_a_lack_of_rights(s3: S3, code: str, remedy: str) -> None:
    """AWS says "forbidden" where a clock is wrong, Ceph where a quota is used up."""
    said = f"<Error><Code>{code}</Code><Message>No.</Message></Error>"
    with replay(lambda asked: Answer(said, 403, {"Content-Type": "application/xml"})) as server:
        store = Store("s3://ndvi", {**s3.environment, "AWS_ENDPOINT_URL": server.url})
        for look in (store.read, store.head, store.exists, store.last_modified):
            with pytest.raises(TryAgain, match=remedy):
                look("a")
        with pytest.raises(TryAgain, match=remedy):
            list(store.list("a/"))
