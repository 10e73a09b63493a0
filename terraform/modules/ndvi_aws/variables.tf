variable "name" {
  description = "Prefix of the names of all roles and policies."
  type        = string
  default     = "ndvi"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name has to begin with a letter and have at most 31 lower-case letters, digits and hyphens."
  }
}

variable "bucket_name" {
  description = "Bucket of uploads, work orders, products and logs; it is created."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name has to be 3 to 63 lower-case letters, digits, dots and hyphens."
  }
}

variable "cluster_oidc_provider_arn" {
  description = "IAM OIDC provider of the EKS cluster, which vouches for the pods' accounts."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$", var.cluster_oidc_provider_arn))
    error_message = "cluster_oidc_provider_arn has to be the ARN of an OIDC provider; `aws iam list-open-id-connect-providers` lists them."
  }
}

variable "namespace" {
  description = "Namespace of the pods' accounts."
  type        = string
  default     = "ndvi"
}

variable "secret_arns" {
  description = "Secrets in AWS Secrets Manager that the cluster's External Secrets may copy into the namespace."
  type        = list(string)
  default     = []
}

variable "noncurrent_days" {
  description = "How long replaced and deleted objects can be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days has to be at least 1."
  }
}

variable "run_days" {
  description = "How long the files of a run (runs/) are kept; its tasks can be cleared as long as they are there."
  type        = number
  default     = 90

  validation {
    condition     = var.run_days >= 7
    error_message = "run_days has to be at least 7: the runs of the last days are still recorded and cleared."
  }
}

variable "log_days" {
  description = "How long task logs (logs/) are kept."
  type        = number
  default     = 90
}
