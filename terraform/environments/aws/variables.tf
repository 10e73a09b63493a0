variable "region" {
  description = "Region of the cluster. Sentinel-2's public COGs are in us-west-2; from another region they are read more slowly."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region has to be the name of an AWS region, for example eu-central-1."
  }
}

variable "cluster_name" {
  description = "Existing EKS cluster, 1.30 or newer, with the metrics server, the EBS CSI driver and External Secrets."
  type        = string
}

variable "bucket_name" {
  description = "Bucket of uploads, work orders, products and logs; it is created."
  type        = string
}

variable "airflow_image" {
  description = "Image that the target airflow of docker/Dockerfile was pushed as."
  type = object({
    repository = string
    tag        = string
  })
}

variable "compute_image" {
  description = "Image, with tag or digest, that the target ndvi of docker/Dockerfile was pushed as; of the same build."
  type        = string
}

variable "settings" {
  description = "Settings of the pipeline besides NDVI_BUCKET_URL, as .env.template has them."
  type        = map(string)
  default     = {}
}

variable "namespace" {
  description = "Namespace of everything; it is created."
  type        = string
  default     = "ndvi"
}

variable "database_subnet_ids" {
  description = "Private subnets, in at least two zones, that the cluster's nodes reach."
  type        = list(string)

  validation {
    condition     = length(var.database_subnet_ids) >= 2
    error_message = "database_subnet_ids takes at least two subnets, in different zones."
  }
}

variable "database_instance_class" {
  description = "Size of the PostgreSQL instance that holds Airflow's database and the registry."
  type        = string
  default     = "db.t4g.medium"

  validation {
    condition     = startswith(var.database_instance_class, "db.")
    error_message = "database_instance_class has to be an RDS instance class, for example db.t4g.medium."
  }
}

variable "database_multi_az" {
  description = "Whether a standby in another zone takes over."
  type        = bool
  default     = true
}

variable "database_ca_file" {
  description = "File with the certificates of RDS' authorities: https://truststore.pki.rds.amazonaws.com/REGION/REGION-bundle.pem."
  type        = string
}

variable "kubectl_context" {
  description = "Context of kubectl that leads to the cluster: aws eks update-kubeconfig --name CLUSTER --alias CONTEXT."
  type        = string
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told when the database runs short of something, and when it has recovered."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:aws[a-z-]*:sns:", arn))])
    error_message = "alarm_topic_arns takes ARNs of SNS topics."
  }
}
