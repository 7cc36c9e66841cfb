"""Confluent's serializers behind lines of JSON: a request in, an answer out.

{"op": "read", "format": "AVRO", "topic": "t", "data": "00..."}             -> {"value": ...}
{"op": "write", "format": "AVRO", "topic": "t", "schema": "...", "value": ...} -> {"data": "00..."}

What JSON cannot hold is {"$bytes": hex}, {"$decimal": text} or {"$time": text in ISO 8601}, both ways.
"""
import datetime, decimal, json, os, sys, tempfile

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_tools import protoc
import grpc_tools

client = SchemaRegistryClient({"url": sys.argv[1]})
temporary = tempfile.TemporaryDirectory()
generated = temporary.name


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


# What Confluent's clients and registries have beside Google's files, and this library ships compiled only.
confluent = {
    "confluent/meta.proto": """syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
        message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
        extend google.protobuf.FieldOptions { Meta field_meta = 1088; }""",
    "confluent/type/decimal.proto": """syntax = "proto3"; package confluent.type;
        message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }""",
}


def put(name, text):
    path = os.path.join(generated, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


def message_type(text, indexes):
    """The message that protoc finds in a file, in a pool of its own: files of one name may differ from schema to schema."""
    for name, content in confluent.items():
        put(name, content)
    path, out = put("message.proto", text), os.path.join(generated, "message.bin")
    google = [os.path.join(os.path.dirname(grpc_tools.__file__), "_proto"), os.path.dirname(os.path.dirname(grpc_tools.__file__))]
    if protoc.main(["protoc", "-I" + generated] + ["-I" + d for d in google] + ["--include_imports", "--descriptor_set_out=" + out, path]) != 0:
        raise ValueError("protoc refuses " + text)
    files, pool = descriptor_pb2.FileDescriptorSet(), descriptor_pool.DescriptorPool()
    with open(out, "rb") as f:
        files.ParseFromString(f.read())
    for file in files.file:
        pool.Add(file)
    message = list(pool.FindFileByName("message.proto").message_types_by_name.values())[indexes[0]]
    for i in indexes[1:]:
        message = message.nested_types[i]
    return message_factory.GetMessageClass(message)


def indexes_of(data):
    """The zigzag varints between the id and the message, and where that begins."""
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
    return out or [0], at


def read(req, context):
    data = bytes.fromhex(req["data"])
    if req["format"] == "AVRO":
        return AvroDeserializer(client)(data, context)
    if req["format"] == "JSON":
        return JSONDeserializer(None, schema_registry_client=client)(data, context)
    # Confluent's deserializer wants the registry to compile its files, which Confluent's alone does: protoc and Google's library stand in.
    indexes, start = indexes_of(data)
    kind = message_type(client.get_schema(int.from_bytes(data[1:5], "big")).schema_str, indexes)
    return json_format.MessageToDict(kind.FromString(data[start:]), preserving_proto_field_name=True)


def write(req, context):
    if req["format"] == "AVRO":
        return AvroSerializer(client, req["schema"])(req["value"], context)
    if req["format"] == "JSON":
        return JSONSerializer(req["schema"], client)(req["value"], context)
    kind = message_type(req["schema"], [0])
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
