"""What every plugin does: it says what it brings, answers pings, and ends when it is asked to or when Sluice has gone."""
import asyncio
import json
import os
import sys
import tempfile
import threading

import grpc
from google.protobuf import json_format

import plugin_pb2 as pb
import plugin_pb2_grpc


class Plugin(plugin_pb2_grpc.PluginServicer):
    description: pb.Description

    async def Describe(self, request, context):
        return self.description

    async def Ping(self, request, context):
        return pb.PingAnswer()

    async def Stop(self, request, context):
        self.stopped.set()
        return pb.StopAnswer()

    async def serve(self):
        self.stopped, server = asyncio.Event(), grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
        plugin_pb2_grpc.add_PluginServicer_to_server(self, server)
        socket = os.path.join(os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(), f"{os.getpid()}.sock")
        server.add_insecure_port("unix:" + socket)
        await server.start()
        print(f"1|1|unix|{socket}|grpc", flush=True)
        await self.stopped.wait()
        await server.stop(grace=1)


def end_with_sluice():
    while os.read(0, 1024):  # it ends when Sluice does, however that ends
        pass
    os._exit(0)


def manifest(plugin):
    """Returns the text of plugin.json, which says what the plugin brings and how it is started in its folder."""
    command = [".venv/bin/python3", os.path.basename(sys.argv[0])]
    return json.dumps({"contract": 1, "command": command} | json_format.MessageToDict(plugin.description), indent=2)


def main(plugin):
    if "--manifest" in sys.argv:
        print(manifest(plugin))
    elif "SLUICE_PLUGIN" in os.environ:
        threading.Thread(target=end_with_sluice, daemon=True).start()
        asyncio.run(plugin.serve())
    else:
        sys.exit("This is a plugin for Sluice, which starts it. README.md says how to install it.")
