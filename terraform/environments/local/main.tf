locals {
  images = ["ndvi:${var.image_tag}", "ndvi-airflow:${var.image_tag}"]
}

resource "kind_cluster" "this" {
  name           = var.cluster_name
  node_image     = var.node_image
  wait_for_ready = true
}

# The images come from this machine's docker: there is no registry.
resource "terraform_data" "images" {
  triggers_replace = [kind_cluster.this.id, local.images]

  provisioner "local-exec" {
    command = "kind load docker-image --name ${var.cluster_name} ${join(" ", local.images)}"
  }
}

module "ndvi_platform" {
  source = "../../modules/ndvi_platform"

  airflow_image = {
    repository = "ndvi-airflow"
    tag        = var.image_tag
  }
  compute_image        = local.images[0]
  values               = [file("${path.module}/../../../helm-values/local.yaml")]
  log_folder           = "s3://${local.bucket}/logs"
  compute_egress_ports = [local.s3_port]
  kubectl_context      = "kind-${var.cluster_name}"

  settings = merge(var.settings, {
    NDVI_BUCKET_URL = "s3://${local.bucket}"
  })

  compute_environment = {
    AWS_ENDPOINT_URL = local.s3_url
    AWS_REGION       = "us-east-1"
  }

  depends_on = [terraform_data.images]
}
