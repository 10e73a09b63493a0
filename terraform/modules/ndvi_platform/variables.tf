variable "namespace" {
  description = "Namespace of everything; it is created."
  type        = string
  default     = "ndvi"

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace has to be a DNS label: at most 63 lower-case letters, digits and hyphens."
  }
}

variable "chart_version" {
  description = "Version of the official Airflow chart that helm-values/ is written for."
  type        = string
  default     = "1.22.0"

  validation {
    condition     = can(regex("^1\\.(2[2-9]|[3-9][0-9])\\.[0-9]+$", var.chart_version))
    error_message = "chart_version has to be 1.22.0 or a later 1.x: the values use keys that older charts do not have."
  }
}

variable "airflow_image" {
  description = "Image that the target airflow of docker/Dockerfile was pushed as."
  type = object({
    repository = string
    tag        = string
  })

  validation {
    condition     = !contains(["", "latest"], var.airflow_image.tag)
    error_message = "airflow_image.tag has to name one build, not \"latest\": a rollback needs to know what to go back to."
  }
}

variable "compute_image" {
  description = "Image, with tag or digest, that the target ndvi of docker/Dockerfile was pushed as; of the same build as airflow_image."
  type        = string

  validation {
    condition     = can(regex("(:[A-Za-z0-9_][A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})$", var.compute_image)) && !endswith(var.compute_image, ":latest")
    error_message = "compute_image has to end with a tag other than latest, or with a digest."
  }
}

variable "values" {
  description = "YAML documents that come on top of helm-values/common.yaml, the last one having the last word."
  type        = list(string)
}

variable "log_folder" {
  description = "Where the logs of tasks go: s3://bucket/prefix."
  type        = string

  validation {
    condition     = can(regex("^s3://[^/]+/.+$", var.log_folder))
    error_message = "log_folder has to be s3://bucket/prefix."
  }
}

variable "settings" {
  description = "Settings of the pipeline, as .env.template has them. NDVI_EXECUTION and NDVI_IMAGE are set by the module."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^(NDVI|STAC)_[A-Z0-9_]+$", name))])
    error_message = "settings takes NDVI_* and STAC_* only; connections belong into the Secret ndvi-connections."
  }
}

variable "compute_environment" {
  description = "Environment of the compute pods besides their Secret: AWS_REGION, AWS_ENDPOINT_URL, NDVI_LOG_LEVEL, GDAL_*."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.compute_environment) : !can(regex("(SECRET|PASSWORD|TOKEN|ACCESS_KEY)", name))])
    error_message = "compute_environment is a ConfigMap: keys and passwords belong into the Secret ndvi-compute."
  }
}

variable "role_arns" {
  description = "IAM roles of the pods' accounts: airflow (runs tasks), web (shows logs and pictures), compute. Null: keys from Secrets."
  type = object({
    airflow = string
    web     = string
    compute = string
  })
  default = null
}

variable "compute_egress_ports" {
  description = "TCP ports that compute pods may talk to besides 443, for example that of an S3 server in the cluster."
  type        = list(number)
  default     = []

  validation {
    condition     = alltrue([for port in var.compute_egress_ports : port > 0 && port < 65536])
    error_message = "compute_egress_ports takes port numbers from 1 to 65535."
  }
}

variable "timeout_seconds" {
  description = "How long the release may take to become ready."
  type        = number
  default     = 900
}

variable "kubectl_context" {
  description = "Context of kubectl that leads to the cluster: it removes the last release's migration job."
  type        = string
}

variable "database_ca" {
  description = "Certificates (PEM) of who vouches for the database server, which Airflow then verifies. Null: no TLS is asked for."
  type        = string
  default     = null

  validation {
    condition     = var.database_ca == null || can(regex("-----BEGIN CERTIFICATE-----", var.database_ca))
    error_message = "database_ca has to be certificates in PEM."
  }
}
