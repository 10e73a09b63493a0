locals {
  cluster_access = {
    host                   = kind_cluster.this.endpoint
    client_certificate     = kind_cluster.this.client_certificate
    client_key             = kind_cluster.this.client_key
    cluster_ca_certificate = kind_cluster.this.cluster_ca_certificate
  }
}

provider "kubernetes" {
  host                   = local.cluster_access.host
  client_certificate     = local.cluster_access.client_certificate
  client_key             = local.cluster_access.client_key
  cluster_ca_certificate = local.cluster_access.cluster_ca_certificate
}

provider "helm" {
  kubernetes = local.cluster_access
}
