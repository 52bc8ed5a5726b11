"""Dashboards for Grafana 10.1 and newer, each made from one file of Python; what is made is committed."""
