"""What tests use in place of Sluice: it starts a plugin as Sluice does, and speaks its side of the contract."""
import os
import queue
import subprocess
import sys
import tempfile

import grpc

import plugin_pb2_grpc

PATIENCE = 20  # seconds


class Host:
    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory()
        environment = os.environ | {"SLUICE_PLUGIN": "v1", "PLUGIN_UNIX_SOCKET_DIR": self.folder.name}
        self.process = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        core, contract, network, address, protocol = self.process.stdout.readline().strip().split("|")
        assert (core, contract, protocol) == ("1", "1", "grpc"), (core, contract, protocol)
        self.channel = grpc.insecure_channel(f"{network}:{address}")
        self.plugin = plugin_pb2_grpc.PluginStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)  # a plugin must not outlive Sluice
        finally:
            self.process.kill()
            self.channel.close()
            self.process.stdout.close()
            self.folder.cleanup()


class Stream:
    """One stream of a task: say puts a message on it, hear waits for one."""

    def __init__(self, call):
        self.requests = queue.SimpleQueue()
        self.answers = call(iter(self.requests.get, None), timeout=PATIENCE)

    def say(self, message):
        self.requests.put(message)

    def hear(self, kind):
        """Returns the next message, which must be of a kind; metrics come when they come."""
        message = next(m for m in self.answers if kind == "metrics" or not m.HasField("metrics"))
        assert message.WhichOneof("message") == kind, message
        return getattr(message, kind)

    def end(self):
        self.requests.put(None)
        assert list(self.answers) == []
