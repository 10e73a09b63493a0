"""A namespace in the cluster of the kubeconfig for each module."""

import os
from collections.abc import Iterator

import pytest
from support.cluster import Cluster, a_namespace


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if "NDVI_IMAGE" not in os.environ:
        pytest.skip("needs a Kubernetes cluster: `make test-cluster` runs these tests on the kubeconfig's")
    with a_namespace(tmp_path_factory.mktemp("cluster")) as found:
        yield found
