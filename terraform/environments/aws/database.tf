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

  backup_retention_period   = 14
  copy_tags_to_snapshot     = true
  deletion_protection       = true
  final_snapshot_identifier = "ndvi-final"
}
