data "aws_eks_cluster" "this" {
  name = var.cluster_name
}

data "aws_iam_openid_connect_provider" "this" {
  url = data.aws_eks_cluster.this.identity[0].oidc[0].issuer
}

module "aws" {
  source = "../../modules/ndvi_aws"

  bucket_name               = var.bucket_name
  cluster_oidc_provider_arn = data.aws_iam_openid_connect_provider.this.arn
  namespace                 = var.namespace
  secret_arns               = [for secret in aws_secretsmanager_secret.this : secret.arn]
}

module "ndvi_platform" {
  source = "../../modules/ndvi_platform"

  namespace     = var.namespace
  airflow_image = var.airflow_image
  compute_image = var.compute_image
  values        = [file("${path.module}/../../../helm-values/production.yaml")]
  log_folder    = "s3://${module.aws.bucket}/logs"
  role_arns     = module.aws.role_arns
  database_ca   = file(var.database_ca_file)

  kubectl_context = var.kubectl_context

  settings = merge(var.settings, {
    NDVI_BUCKET_URL = "s3://${module.aws.bucket}"
  })

  compute_environment = {
    AWS_REGION = var.region
  }
}
