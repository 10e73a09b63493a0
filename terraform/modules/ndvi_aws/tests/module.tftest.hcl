# Run by `terraform test` in this folder, after `terraform init`; no account is needed.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  bucket_name               = "example-ndvi"
  cluster_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"
}

run "each_kind_of_pod_has_a_role" {
  command = plan

  assert {
    condition     = toset(keys(aws_iam_role.this)) == toset(["airflow", "web", "compute"])
    error_message = "Roles: ${join(", ", keys(aws_iam_role.this))}."
  }

  assert {
    condition     = aws_iam_role.this["web"].name == "ndvi-web"
    error_message = "The web page's role is ${aws_iam_role.this["web"].name}."
  }
}

run "secrets_are_copied_by_a_role_of_its_own" {
  command = plan

  variables {
    secret_arns = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:ndvi/airflow"]
  }

  assert {
    condition     = contains(keys(aws_iam_role.this), "secrets")
    error_message = "There is no role for External Secrets."
  }
}

run "a_bucket_has_a_name_that_s3_takes" {
  command = plan

  variables {
    bucket_name = "Example_NDVI"
  }

  expect_failures = [var.bucket_name]
}

run "runs_are_kept_while_they_are_needed" {
  command = plan

  variables {
    run_days = 1
  }

  expect_failures = [var.run_days]
}
