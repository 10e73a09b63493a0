output "namespace" {
  description = "Namespace that everything is in."
  value       = module.ndvi_platform.namespace
}

output "bucket_url" {
  description = "Where fields are dropped and products are found."
  value       = "s3://${module.aws.bucket}"
}

output "web_service" {
  description = "Service of the web page, port 8080."
  value       = module.ndvi_platform.web_service
}

output "database_address" {
  description = "Host of PostgreSQL."
  value       = aws_db_instance.this.address
}

output "database_master_secret" {
  description = "Secret, made by RDS, with the password of the user postgres."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "secrets" {
  description = "Secrets that wait for their values, with the keys of the JSON object that each has to hold."
  value       = { for name, secret in aws_secretsmanager_secret.this : secret.name => local.secrets[name] }
}
