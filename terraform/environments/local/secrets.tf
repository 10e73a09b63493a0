# Made anew in every run, written once, and kept nowhere but in the cluster: ephemeral values and write-only arguments
# never enter plan or state. Another revision would write other passwords than PostgreSQL has.

ephemeral "random_password" "this" {
  for_each = toset(["postgres", "airflow", "ndvi", "s3_key", "s3_secret", "api", "jwt"])

  length  = each.key == "jwt" ? 86 : 43
  special = false
}

ephemeral "random_bytes" "fernet" {
  length = 32
}

locals {
  passwords = { for name, password in ephemeral.random_password.this : name => password.result }

  s3_keys = {
    AWS_ACCESS_KEY_ID     = local.passwords["s3_key"]
    AWS_SECRET_ACCESS_KEY = local.passwords["s3_secret"]
  }

  secrets = {
    postgresql = {
      POSTGRES_PASSWORD = local.passwords["postgres"]
      AIRFLOW_PASSWORD  = local.passwords["airflow"]
      NDVI_PASSWORD     = local.passwords["ndvi"]
    }
    seaweedfs    = local.s3_keys
    ndvi-compute = local.s3_keys
    ndvi-connections = {
      AIRFLOW_CONN_NDVI_REGISTRY = jsonencode({
        conn_type = "postgres"
        host      = "postgresql"
        login     = "ndvi"
        password  = local.passwords["ndvi"]
        schema    = "ndvi"
      })
      AIRFLOW_CONN_NDVI_S3 = jsonencode({
        conn_type = "aws"
        login     = local.passwords["s3_key"]
        password  = local.passwords["s3_secret"]
        extra     = { endpoint_url = local.s3_url, region_name = "us-east-1" }
      })
    }
    airflow = {
      connection     = "postgresql+psycopg2://airflow:${local.passwords["airflow"]}@postgresql/airflow"
      api-secret-key = local.passwords["api"]
      jwt-secret     = local.passwords["jwt"]
      fernet-key     = replace(replace(ephemeral.random_bytes.fernet.base64, "+", "-"), "/", "_")
    }
  }
}

resource "kubernetes_secret_v1" "this" {
  for_each = toset(["postgresql", "seaweedfs", "ndvi-compute", "ndvi-connections", "airflow"])

  metadata {
    name      = each.key
    namespace = module.ndvi_platform.namespace
  }

  data_wo          = local.secrets[each.key]
  data_wo_revision = 1
}
