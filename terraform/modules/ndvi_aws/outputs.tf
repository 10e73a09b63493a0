output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.id
}

output "role_arns" {
  description = "Roles of the pods' accounts: airflow, web, compute, and secrets if there are secret_arns."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}
