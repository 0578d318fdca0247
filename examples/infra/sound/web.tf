resource "aws_lb" "front" {
  name                       = "front"
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = [for subnet in aws_subnet.public : subnet.id]
  enable_deletion_protection = true
}

resource "aws_lb_target_group" "web" {
  name     = "web"
  port     = 8080
  protocol = "HTTP"
  vpc_id   = aws_vpc.shop.id

  health_check {
    path                = "/health"
    interval            = 5
    timeout             = 2
    unhealthy_threshold = 2
    healthy_threshold   = 2
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.front.arn
  port              = 443
  protocol          = "HTTPS"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_launch_template" "web" {
  name          = "web"
  image_id      = var.ami
  instance_type = "m7g.large"

  user_data = base64encode(<<-EOT
    #!/bin/sh
    echo "ORDERS_HOST=${aws_rds_cluster.orders.endpoint}" >> /etc/web.env
    echo "SESSIONS_HOST=${aws_elasticache_replication_group.sessions.primary_endpoint_address}" >> /etc/web.env
    systemctl restart web
  EOT
  )
}

resource "aws_autoscaling_group" "web" {
  name                  = "web"
  min_size              = 6
  max_size              = 18
  vpc_zone_identifier   = [for subnet in aws_subnet.private : subnet.id]
  target_group_arns     = [aws_lb_target_group.web.arn]
  health_check_type     = "ELB"
  protect_from_scale_in = false

  launch_template {
    id      = aws_launch_template.web.id
    version = "$Latest"
  }
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.web.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 50

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

resource "aws_route53_record" "www" {
  zone_id = "Z0SHOPEXAMPLE"
  name    = "www.shop.example"
  type    = "A"

  alias {
    name                   = aws_lb.front.dns_name
    zone_id                = aws_lb.front.zone_id
    evaluate_target_health = true
  }
}
