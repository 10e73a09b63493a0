locals {
  helm_values = "${path.module}/../../../helm-values"

  settings = merge(var.settings, {
    NDVI_EXECUTION = "kubernetes"
    NDVI_IMAGE     = var.compute_image
  })

  # All drivers read them: psycopg2 and asyncpg of Airflow, psycopg of the registry.
  database_tls = [
    { name = "PGSSLMODE", value = "verify-full" },
    { name = "PGSSLROOTCERT", value = "/opt/ndvi/database-ca/ca.pem" },
  ]
}

resource "kubernetes_namespace_v1" "this" {
  metadata {
    name = var.namespace

    labels = {
      "pod-security.kubernetes.io/enforce" = "baseline"
      "pod-security.kubernetes.io/warn"    = "restricted"
    }
  }
}

resource "kubernetes_config_map_v1" "settings" {
  metadata {
    name      = "ndvi"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  data = local.settings
}

resource "kubernetes_config_map_v1" "compute" {
  metadata {
    name      = "ndvi-compute"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  data = var.compute_environment
}

resource "kubernetes_config_map_v1" "database_ca" {
  count = var.database_ca == null ? 0 : 1

  metadata {
    name      = "ndvi-database-ca"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  data = {
    "ca.pem" = var.database_ca
  }
}

# A job cannot be changed, and an earlier release's may still be there: ended within the hour, or failing, which is when one
# wants to go back. Without this the release would fail on it.
resource "terraform_data" "migration_job" {
  triggers_replace = [var.airflow_image, var.values, var.chart_version, local.settings, var.database_ca]

  provisioner "local-exec" {
    command = "kubectl --context ${var.kubectl_context} --namespace ${kubernetes_namespace_v1.this.metadata[0].name} delete job airflow-run-airflow-migrations --ignore-not-found"
  }
}

resource "helm_release" "airflow" {
  name       = "airflow"
  repository = "https://airflow.apache.org"
  chart      = "airflow"
  version    = var.chart_version
  namespace  = kubernetes_namespace_v1.this.metadata[0].name

  wait_for_jobs = true
  timeout       = var.timeout_seconds
  max_history   = 10

  values = concat(
    [file("${local.helm_values}/common.yaml")],
    var.values,
    [
      yamlencode({
        defaultAirflowRepository = var.airflow_image.repository
        defaultAirflowTag        = var.airflow_image.tag
        airflowPodAnnotations = {
          # Pods read the settings when they start, so other settings take other pods.
          "ndvi/settings" = sha256(jsonencode(local.settings))
        }
        apiServer = {
          serviceAccount = {
            annotations = var.role_arns == null ? {} : { "eks.amazonaws.com/role-arn" = var.role_arns.web }
          }
        }
        config = {
          logging = {
            remote_base_log_folder = var.log_folder
          }
        }
      }),
    ],
    var.database_ca == null ? [] : [
      yamlencode({
        env          = local.database_tls
        volumes      = [{ name = "database-ca", configMap = { name = "ndvi-database-ca" } }]
        volumeMounts = [{ name = "database-ca", mountPath = "/opt/ndvi/database-ca", readOnly = true }]
        migrateDatabaseJob = {
          env = concat(yamldecode(file("${local.helm_values}/common.yaml")).migrateDatabaseJob.env, local.database_tls)
        }
      }),
    ],
  )

  depends_on = [
    kubernetes_config_map_v1.settings,
    kubernetes_config_map_v1.compute,
    kubernetes_config_map_v1.database_ca,
    kubernetes_role_binding_v1.launcher,
    kubernetes_network_policy_v1.compute,
    terraform_data.migration_job,
  ]
}
