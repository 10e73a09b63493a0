variable "cluster_name" {
  description = "Name of the kind cluster; it is created."
  type        = string
  default     = "ndvi"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]*$", var.cluster_name))
    error_message = "cluster_name takes lower-case letters, digits, dots and hyphens."
  }
}

variable "node_image" {
  description = "Image of the node, which decides the version of Kubernetes: 1.30 or newer for the chart."
  type        = string
  default     = "kindest/node:v1.33.1"
}

variable "image_tag" {
  description = "Tag that both images were built with: make image TAG=..."
  type        = string

  validation {
    condition     = !contains(["", "latest"], var.image_tag)
    error_message = "image_tag has to be a tag of its own for each build: an image of the same name is not loaded again."
  }
}

variable "settings" {
  description = "Settings of the pipeline besides NDVI_BUCKET_URL, as .env.template has them."
  type        = map(string)
  default     = {}
}
