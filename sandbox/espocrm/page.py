"""placeholder"""
from __future__ import annotations
from aiohttp import web
from sandbox.espocrm.rest import RestApi
from sandbox.espocrm.world import World
class Page:
    def __init__(self, world: World, rest: RestApi) -> None: ...
    def add_routes(self, app: web.Application) -> None: ...
