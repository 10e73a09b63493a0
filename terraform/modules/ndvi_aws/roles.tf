# One role for each kind of pod, with what it does in the bucket and nothing else. Scenes of the public catalogues are read
# over HTTPS without an identity, so no role has a right on them.

locals {
  oidc_issuer = split(":oidc-provider/", var.cluster_oidc_provider_arn)[1]

  # The account that takes the role, and the prefixes (the settings' defaults) by what it may do with the objects below.
  # `airflow` also has what people do by `airflow ndvi` in its pods: retire, rename and purge fields.
  rights = {
    airflow = {
      account = "ndvi-airflow"
      read = [
        "staticdata/config/bbox.geojson", "staticdata/fields/pending/*", "staticdata/fields/processed/*",
        "staticdata/fields/rejected/*", "staticdata/fields/waiting/*",
        "runs/*", "fields/*", "logs/*",
      ]
      write = [
        "staticdata/fields/pending/*", "staticdata/fields/processed/*", "staticdata/fields/rejected/*",
        "staticdata/fields/waiting/*", "runs/*", "observations/*", "fields/*", "seasons/*", "events/*", "logs/*",
      ]
      delete = ["staticdata/fields/pending/*", "observations/*", "fields/*", "seasons/*", "events/*"]
    }
    web = {
      account = "airflow-api-server"
      read    = ["staticdata/config/bbox.geojson", "runs/*", "fields/*", "passes/*", "seasons/*", "logs/*"]
      write   = ["staticdata/fields/pending/*"]
      delete  = []
    }
    compute = {
      account = "ndvi-compute"
      read    = ["runs/*", "fields/*", "passes/*", "seasons/*"]
      write   = ["runs/*", "fields/*", "passes/*"]
      delete  = ["fields/*"]
    }
  }

  # Copies secrets into the namespace; only where there are any.
  secrets_reader = length(var.secret_arns) > 0 ? { secrets = "ndvi-secrets" } : {}

  actions = {
    read   = ["s3:GetObject"]
    write  = ["s3:PutObject", "s3:AbortMultipartUpload"]
    delete = ["s3:DeleteObject"]
  }
}

data "aws_iam_policy_document" "trust" {
  for_each = merge({ for role, right in local.rights : role => right.account }, local.secrets_reader)

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.cluster_oidc_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.oidc_issuer}:sub"
      values   = ["system:serviceaccount:${var.namespace}:${each.value}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.oidc_issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "bucket_access" {
  for_each = local.rights

  # Without it, or with a condition on it, S3 calls an object that is not there forbidden, and the pipeline stops.
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.this.arn]
  }

  dynamic "statement" {
    for_each = { for verb, actions in local.actions : verb => actions if length(each.value[verb]) > 0 }

    content {
      sid       = title(statement.key)
      actions   = statement.value
      resources = [for prefix in each.value[statement.key] : "${aws_s3_bucket.this.arn}/${prefix}"]
    }
  }
}

data "aws_iam_policy_document" "secrets" {
  for_each = local.secrets_reader

  statement {
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = var.secret_arns
  }
}

resource "aws_iam_role" "this" {
  for_each = data.aws_iam_policy_document.trust

  name               = "${var.name}-${each.key}"
  assume_role_policy = each.value.json
}

resource "aws_iam_role_policy" "bucket_access" {
  for_each = local.rights

  name   = "bucket"
  role   = aws_iam_role.this[each.key].id
  policy = data.aws_iam_policy_document.bucket_access[each.key].json
}

resource "aws_iam_role_policy" "secrets" {
  for_each = data.aws_iam_policy_document.secrets

  name   = "secrets"
  role   = aws_iam_role.this[each.key].id
  policy = each.value.json
}
