output "namespace" {
  description = "Namespace that everything is in."
  value       = module.ndvi_platform.namespace
}

output "web_page" {
  description = "Command that makes the web page reachable on http://localhost:8080."
  value       = "kubectl --context kind-${var.cluster_name} --namespace ${module.ndvi_platform.namespace} port-forward service/${module.ndvi_platform.web_service} 8080"
}

output "s3" {
  description = "Command that makes S3 reachable on http://localhost:8333; its keys are in the Secret ndvi-compute."
  value       = "kubectl --context kind-${var.cluster_name} --namespace ${module.ndvi_platform.namespace} port-forward service/seaweedfs ${local.s3_port}"
}
