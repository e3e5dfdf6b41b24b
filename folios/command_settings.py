"""Settings of the product's own commands: the same, without the apps that only pages need.

People and schedulers start a command for every request. To import what a command never uses would take it longer
than its own work.
"""

from folios.settings import *  # noqa: F403  # the settings are these, but for one

INSTALLED_APPS = CORE_APPS  # noqa: F405
