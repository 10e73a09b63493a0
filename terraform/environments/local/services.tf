# PostgreSQL and S3 for one user, each with a volume of the node.

locals {
  bucket  = "ndvi"
  s3_port = 8333
  s3_url  = "http://seaweedfs:${local.s3_port}"

  services = {
    postgresql = {
      image   = "postgres:17"
      port    = 5432
      user    = 999
      command = null
      args    = null
      folder  = "/var/lib/postgresql/data"
      env     = { PGDATA = "/var/lib/postgresql/data/files" } # the volume's own folder belongs to root
    }
    seaweedfs = {
      image   = "chrislusf/seaweedfs:4.48"
      port    = local.s3_port
      user    = 1000
      command = ["/usr/bin/weed"]
      args    = ["mini", "-dir=/data", "-ip.bind=0.0.0.0"]
      folder  = "/data"
      env     = { S3_BUCKET = local.bucket }
    }
  }
}

resource "kubernetes_config_map_v1" "databases" {
  metadata {
    name      = "postgresql-databases"
    namespace = module.ndvi_platform.namespace
  }

  data = {
    "databases.sh" = file("${path.module}/../../../docker/databases.sh")
  }
}

resource "kubernetes_service_v1" "this" {
  for_each = local.services

  metadata {
    name      = each.key
    namespace = module.ndvi_platform.namespace
  }

  spec {
    selector = { app = each.key }

    port {
      port = each.value.port
    }
  }
}

resource "kubernetes_stateful_set_v1" "this" {
  for_each = local.services

  metadata {
    name      = each.key
    namespace = module.ndvi_platform.namespace
  }

  spec {
    service_name = kubernetes_service_v1.this[each.key].metadata[0].name

    selector {
      match_labels = { app = each.key }
    }

    template {
      metadata {
        labels = { app = each.key }
      }

      spec {
        automount_service_account_token = false

        security_context {
          run_as_non_root = true
          run_as_user     = each.value.user
          fs_group        = each.value.user

          seccomp_profile {
            type = "RuntimeDefault"
          }
        }

        container {
          name    = each.key
          image   = each.value.image
          command = each.value.command
          args    = each.value.args

          port {
            container_port = each.value.port
          }

          env_from {
            secret_ref {
              name = kubernetes_secret_v1.this[each.key].metadata[0].name
            }
          }

          dynamic "env" {
            for_each = each.value.env

            content {
              name  = env.key
              value = env.value
            }
          }

          readiness_probe {
            tcp_socket {
              port = each.value.port
            }
          }

          resources {
            requests = { cpu = "50m", memory = "256Mi" }
            limits   = { memory = "1Gi" }
          }

          security_context {
            allow_privilege_escalation = false

            capabilities {
              drop = ["ALL"]
            }
          }

          volume_mount {
            name       = "data"
            mount_path = each.value.folder
          }

          dynamic "volume_mount" {
            for_each = each.key == "postgresql" ? ["databases"] : []

            content {
              name       = volume_mount.value
              mount_path = "/docker-entrypoint-initdb.d"
            }
          }
        }

        volume {
          name = "databases"

          config_map {
            name = kubernetes_config_map_v1.databases.metadata[0].name
          }
        }
      }
    }

    volume_claim_template {
      metadata {
        name = "data"
      }

      spec {
        access_modes = ["ReadWriteOnce"]

        resources {
          requests = { storage = "10Gi" }
        }
      }
    }
  }
}
