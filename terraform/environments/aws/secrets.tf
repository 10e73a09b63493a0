# Secrets Manager holds the values, which are put there by hand and are in no file and no state; External Secrets copies
# each secret into the Kubernetes Secret of the same name.

locals {
  secrets = {
    airflow          = "connection, fernet-key, api-secret-key, jwt-secret, password"
    airflow-broker   = "connection"
    ndvi-connections = "AIRFLOW_CONN_NDVI_REGISTRY"
  }
}

resource "aws_secretsmanager_secret" "this" {
  for_each = local.secrets

  name        = "ndvi/${each.key}"
  description = "JSON object with ${each.value}"
}

resource "kubernetes_service_account_v1" "secrets" {
  metadata {
    name        = "ndvi-secrets"
    namespace   = module.ndvi_platform.namespace
    annotations = { "eks.amazonaws.com/role-arn" = module.aws.role_arns.secrets }
  }

  automount_service_account_token = false
}

resource "kubernetes_manifest" "secret_store" {
  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "SecretStore"
    metadata = {
      name      = "ndvi"
      namespace = module.ndvi_platform.namespace
    }
    spec = {
      provider = {
        aws = {
          service = "SecretsManager"
          region  = var.region
          auth = {
            jwt = {
              serviceAccountRef = {
                name = kubernetes_service_account_v1.secrets.metadata[0].name
              }
            }
          }
        }
      }
    }
  }
}

resource "kubernetes_manifest" "external_secret" {
  for_each = aws_secretsmanager_secret.this

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = each.key
      namespace = module.ndvi_platform.namespace
    }
    spec = {
      refreshInterval = "1h"
      secretStoreRef = {
        kind = "SecretStore"
        name = kubernetes_manifest.secret_store.manifest.metadata.name
      }
      target = {
        name = each.key
      }
      dataFrom = [{
        extract = {
          key = each.value.name
        }
      }]
    }
  }
}
