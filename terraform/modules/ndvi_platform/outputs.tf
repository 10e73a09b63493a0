output "namespace" {
  description = "Namespace that everything is in; known before the release is ready, since the release waits for Secrets in it."
  value       = kubernetes_namespace_v1.this.metadata[0].name
}

output "release" {
  description = "Name and version of the chart's release, for helm history and helm rollback."
  value = {
    name    = helm_release.airflow.name
    version = helm_release.airflow.version
  }
}

output "web_service" {
  description = "Service of the web page and the API, port 8080."
  value       = "${helm_release.airflow.name}-api-server"
}
