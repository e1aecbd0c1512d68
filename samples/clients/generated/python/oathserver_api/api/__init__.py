from __future__ import absolute_import

# flake8: noqa

# import apis into api package
from oathserver_api.api.oath_server_api import OathServerApi
