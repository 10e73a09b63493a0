locals {
  helm_values = "${path.module}/../../../helm-values"

  settings = merge(var.settings, {
    NDVI_EXECUTION = "kubernetes"
    NDVI_IMAGE     = var.compute_image
  })
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
  )

  depends_on = [
    kubernetes_config_map_v1.settings,
    kubernetes_config_map_v1.compute,
    kubernetes_role_binding_v1.launcher,
    kubernetes_network_policy_v1.compute,
  ]
}
