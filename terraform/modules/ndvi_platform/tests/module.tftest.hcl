# Run by `terraform test` in this folder, after `terraform init`; no cluster is needed.

mock_provider "helm" {}
mock_provider "kubernetes" {}

variables {
  airflow_image   = { repository = "example/ndvi-airflow", tag = "1.0.0" }
  compute_image   = "example/ndvi:1.0.0"
  values          = ["{}"]
  log_folder      = "s3://example-ndvi/logs"
  kubectl_context = "example"
}

run "keys_come_from_secrets_without_roles" {
  command = plan

  assert {
    condition     = length(kubernetes_config_map_v1.database_ca) == 0
    error_message = "There is a certificate that nobody gave."
  }

  assert {
    condition     = !strcontains(join("\n", helm_release.airflow.values), "PGSSLMODE")
    error_message = "TLS to the database is demanded without a certificate to verify it by."
  }

  assert {
    condition     = kubernetes_service_account_v1.this["ndvi-compute"].automount_service_account_token == false
    error_message = "Compute pods have a token of the cluster."
  }

  assert {
    condition     = kubernetes_config_map_v1.settings.data["NDVI_EXECUTION"] == "kubernetes"
    error_message = "Compute tasks do not run in pods."
  }
}

run "the_database_is_verified_with_its_certificate" {
  command = plan

  variables {
    database_ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
  }

  assert {
    condition     = kubernetes_config_map_v1.database_ca[0].data["ca.pem"] == var.database_ca
    error_message = "The certificate is not what was given."
  }

  assert {
    condition = alltrue([
      for name in ["verify-full", "PGSSLROOTCERT", "AIRFLOW_CONN_NDVI_REGISTRY"] : strcontains(helm_release.airflow.values[3], name)
    ])
    error_message = "Airflow, or the migration job, does not verify the database."
  }
}

run "an_image_names_one_build" {
  command = plan

  variables {
    compute_image = "example/ndvi:latest"
  }

  expect_failures = [var.compute_image]
}

run "settings_hold_no_connections" {
  command = plan

  variables {
    settings = { AIRFLOW_CONN_NDVI_S3 = "{}" }
  }

  expect_failures = [var.settings]
}
