# One instance, two databases: Airflow's own, and the registry's, which outlives any Airflow. Their users and passwords are
# made by hand (docs/deployment.md), so that none of them is in the state.

resource "aws_db_subnet_group" "this" {
  name       = "ndvi"
  subnet_ids = var.database_subnet_ids
}

resource "aws_security_group" "database" {
  name        = "ndvi-database"
  description = "PostgreSQL of NDVI: from the cluster's nodes only"
  vpc_id      = data.aws_eks_cluster.this.vpc_config[0].vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = data.aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  description                  = "PostgreSQL from the cluster"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_instance" "this" {
  identifier     = "ndvi"
  engine         = "postgres"
  engine_version = "17"
  instance_class = var.database_instance_class
  db_name        = "airflow"

  username                    = "postgres"
  manage_master_user_password = true # RDS makes it, keeps it in Secrets Manager and changes it every week

  allocated_storage     = 20
  max_allocated_storage = 200
  storage_type          = "gp3"
  storage_encrypted     = true

  multi_az               = var.database_multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]

  enabled_cloudwatch_logs_exports = keys(aws_cloudwatch_log_group.database)

  backup_retention_period   = 14
  copy_tags_to_snapshot     = true
  deletion_protection       = true
  final_snapshot_identifier = "ndvi-final"
}

# Without these, RDS would make groups that keep everything for ever.
resource "aws_cloudwatch_log_group" "database" {
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/ndvi/${each.key}"
  retention_in_days = 90
}

locals {
  database_alarms = {
    cpu = {
      metric     = "CPUUtilization"
      comparison = "GreaterThanThreshold"
      threshold  = 80 # percent, for a quarter of an hour
      says       = "PostgreSQL of NDVI is busy: a larger instance, or fewer tasks at one time."
    }
    memory = {
      metric     = "FreeableMemory"
      comparison = "LessThanThreshold"
      threshold  = 256 * 1024 * 1024
      says       = "PostgreSQL of NDVI has less than 256 MiB of memory left: a larger instance."
    }
    storage = {
      metric     = "FreeStorageSpace"
      comparison = "LessThanThreshold"
      threshold  = 4 * 1024 * 1024 * 1024
      says       = "PostgreSQL of NDVI has less than 4 GiB of storage left, which grows by itself up to max_allocated_storage."
    }
    connections = {
      metric     = "DatabaseConnections"
      comparison = "GreaterThanThreshold"
      threshold  = 300 # of some 400 that a db.t4g.medium takes
      says       = "PostgreSQL of NDVI has more than 300 connections: who holds them is in pg_stat_activity."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "database" {
  for_each = local.database_alarms

  alarm_name        = "ndvi-database-${each.key}"
  alarm_description = each.value.says
  alarm_actions     = var.alarm_topic_arns
  ok_actions        = var.alarm_topic_arns

  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = { DBInstanceIdentifier = aws_db_instance.this.identifier }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
}
