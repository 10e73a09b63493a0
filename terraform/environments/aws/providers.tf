provider "aws" {
  region = var.region

  default_tags {
    tags = {
      project    = "ndvi"
      managed-by = "terraform"
    }
  }
}

locals {
  cluster_access = {
    host                   = data.aws_eks_cluster.this.endpoint
    cluster_ca_certificate = base64decode(data.aws_eks_cluster.this.certificate_authority[0].data)

    # A token of the caller for this run: none is kept in the state.
    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", var.cluster_name, "--region", var.region]
    }
  }
}

provider "kubernetes" {
  host                   = local.cluster_access.host
  cluster_ca_certificate = local.cluster_access.cluster_ca_certificate

  exec {
    api_version = local.cluster_access.exec.api_version
    command     = local.cluster_access.exec.command
    args        = local.cluster_access.exec.args
  }
}

provider "helm" {
  kubernetes = local.cluster_access
}
