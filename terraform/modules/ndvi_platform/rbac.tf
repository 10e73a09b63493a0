# Accounts, rights and the network policy are those of helm-values/, so that both ways of deploying give the same.

locals {
  rbac     = [for document in split("\n---\n", file("${local.helm_values}/rbac.yaml")) : yamldecode(document)]
  accounts = { for one in local.rbac : one.metadata.name => one if one.kind == "ServiceAccount" }
  role     = one([for one in local.rbac : one if one.kind == "Role"])
  binding  = one([for one in local.rbac : one if one.kind == "RoleBinding"])
  policy   = yamldecode(file("${local.helm_values}/network-policy.yaml"))

  account_roles = var.role_arns == null ? {} : {
    ndvi-airflow = var.role_arns.airflow
    ndvi-compute = var.role_arns.compute
  }
}

resource "kubernetes_service_account_v1" "this" {
  for_each = local.accounts

  metadata {
    name        = each.key
    namespace   = kubernetes_namespace_v1.this.metadata[0].name
    annotations = contains(keys(local.account_roles), each.key) ? { "eks.amazonaws.com/role-arn" = local.account_roles[each.key] } : {}
  }

  automount_service_account_token = try(each.value.automountServiceAccountToken, true)
}

resource "kubernetes_role_v1" "launcher" {
  metadata {
    name      = local.role.metadata.name
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  dynamic "rule" {
    for_each = local.role.rules

    content {
      api_groups = rule.value.apiGroups
      resources  = rule.value.resources
      verbs      = rule.value.verbs
    }
  }
}

resource "kubernetes_role_binding_v1" "launcher" {
  metadata {
    name      = local.binding.metadata.name
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "Role"
    name      = kubernetes_role_v1.launcher.metadata[0].name
  }

  dynamic "subject" {
    for_each = local.binding.subjects

    content {
      kind      = subject.value.kind
      name      = kubernetes_service_account_v1.this[subject.value.name].metadata[0].name
      namespace = kubernetes_namespace_v1.this.metadata[0].name
    }
  }
}

resource "kubernetes_network_policy_v1" "compute" {
  metadata {
    name      = local.policy.metadata.name
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  spec {
    policy_types = local.policy.spec.policyTypes

    pod_selector {
      match_labels = local.policy.spec.podSelector.matchLabels
    }

    dynamic "egress" {
      for_each = local.policy.spec.egress

      content {
        dynamic "ports" {
          for_each = egress.value.ports

          content {
            protocol = ports.value.protocol
            port     = ports.value.port
          }
        }

        dynamic "to" {
          for_each = try(egress.value.to, [])

          content {
            ip_block {
              cidr   = to.value.ipBlock.cidr
              except = try(to.value.ipBlock.except, null)
            }
          }
        }
      }
    }

    dynamic "egress" {
      for_each = var.compute_egress_ports

      content {
        ports {
          protocol = "TCP"
          port     = egress.value
        }
      }
    }
  }
}
