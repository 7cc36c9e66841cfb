"""Confluent's serializers behind lines of JSON: a request in, an answer out.

{"op": "read", "format": "AVRO", "topic": "t", "data": "00..."}             -> {"value": ...}
{"op": "write", "format": "AVRO", "topic": "t", "schema": "...", "value": ...} -> {"data": "00..."}

What JSON cannot hold is {"$bytes": hex}, {"$decimal": text} or {"$time": text in ISO 8601}, both ways.
"""
import datetime, decimal, importlib, json, os, sys, tempfile

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import json_format
from grpc_tools import protoc
import grpc_tools

client = SchemaRegistryClient({"url": sys.argv[1]})
generated = tempfile.mkdtemp()
sys.path.insert(0, generated)


def shown(v):
    if isinstance(v, bytes):
        return {"$bytes": v.hex()}
    if isinstance(v, decimal.Decimal):
        return {"$decimal": str(v)}
    if isinstance(v, (datetime.datetime, datetime.date, datetime.time)):
        return {"$time": v.isoformat()}
    raise TypeError(type(v))


def given(v):
    if "$bytes" in v:
        return bytes.fromhex(v["$bytes"])
    if "$decimal" in v:
        return decimal.Decimal(v["$decimal"])
    if "$time" in v:
        return datetime.datetime.fromisoformat(v["$time"])
    return v


modules = 0


def compile(text):
    """The module that protoc makes of a file."""
    global modules
    modules += 1
    name = "schema%d_%d" % (os.getpid(), modules)
    path = os.path.join(generated, name + ".proto")
    with open(path, "w") as f:
        f.write(text)
    include = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    confluent = os.path.join(os.path.dirname(sys.modules["confluent_kafka"].__file__), "schema_registry")
    if protoc.main(["protoc", "-I" + generated, "-I" + include, "-I" + confluent, "--python_out=" + generated, path]) != 0:
        raise ValueError("protoc refuses " + text)
    return importlib.import_module(name + "_pb2")


def message_type(module, indexes):
    message = list(module.DESCRIPTOR.message_types_by_name.values())[indexes[0]]
    for i in indexes[1:]:
        message = message.nested_types[i]
    from google.protobuf import message_factory
    return message_factory.GetMessageClass(message)


def indexes_of(data):
    """The zigzag varints between the id and the message."""
    def varint(at):
        shift = value = 0
        while True:
            b = data[at]
            value |= (b & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if b < 0x80:
                return (value >> 1) ^ -(value & 1), at
    count, at = varint(5)
    out = []
    for _ in range(count):
        i, at = varint(at)
        out.append(i)
    return out or [0]


def read(req, context):
    data = bytes.fromhex(req["data"])
    if req["format"] == "AVRO":
        return AvroDeserializer(client)(data, context)
    if req["format"] == "JSON":
        return JSONDeserializer(None, schema_registry_client=client)(data, context)
    module = compile(client.get_schema(int.from_bytes(data[1:5], "big")).schema_str)
    kind = message_type(module, indexes_of(data))
    message = ProtobufDeserializer(kind, {"use.deprecated.format": False}, client)(data, context)
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def write(req, context):
    if req["format"] == "AVRO":
        return AvroSerializer(client, req["schema"])(req["value"], context)
    if req["format"] == "JSON":
        return JSONSerializer(req["schema"], client)(req["value"], context)
    kind = message_type(compile(req["schema"]), req.get("indexes", [0]))
    message = json_format.ParseDict(req["value"], kind())
    return ProtobufSerializer(kind, client, {"use.deprecated.format": False})(message, context)


for line in sys.stdin:
    try:
        req = json.loads(line, object_hook=given)
        context = SerializationContext(req["topic"], MessageField.VALUE)
        if req["op"] == "read":
            out = {"value": read(req, context)}
        else:
            out = {"data": write(req, context).hex()}
        text = json.dumps(out, default=shown)
    except Exception as e:
        text = json.dumps({"error": "%s: %s" % (type(e).__name__, e)})
    print(text, flush=True)
