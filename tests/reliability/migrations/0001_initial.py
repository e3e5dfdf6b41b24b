from importlib import import_module

Migration = import_module("portfolios.migrations.0001_initial").Migration
