"""A sink for Sluice: records as lines of JSON in a file.

It is a server of plugins/contract/plugin.proto, which says what each message means. README.md says how to build, test and install it.
"""
import base64
import json
import mmap
import os

import plugin
import plugin_pb2 as pb

RETRY = {"class": pb.Fault.RETRY}
DATA = {"class": pb.Fault.DATA}


class Task:
    """One sink task. What it was put is in the file; what it says is safe is on the disk."""

    def __init__(self, opening):
        path = opening.config["file"]
        self.file = open(f"{path}.{opening.task}" if opening.task else path, "a+b", buffering=0)
        self.schemas = {}
        if os.fstat(self.file.fileno()).st_size:
            with mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                end = content.rfind(b"\n") + 1
            self.file.truncate(end)  # after a crash the last line may be half a line

    def put(self, put):
        """Writes all records, or none: then a fault asks for them again. Records that are no JSON are refused one by one."""
        if put.forget:
            self.schemas.clear()
        for schema in put.schemas:
            self.schemas[16 + len(self.schemas)] = schema
        done, lines, start = pb.Done(number=put.number), [], os.fstat(self.file.fileno()).st_size
        for index, record in enumerate(put.records):
            try:
                lines.append(self.line(record) + "\n")
            except ValueError as e:
                done.failed.add(index=index, fault=pb.Fault(message=str(e), **DATA))
        try:
            rest = memoryview("".join(lines).encode())
            while rest:
                rest = rest[self.file.write(rest):]
        except OSError as e:
            self.file.truncate(start)
            done.fault.MergeFrom(pb.Fault(message=f"writing {self.file.name}: {e.strerror}", **RETRY))
        return done

    def line(self, r):
        line = {"topic": r.topic, "partition": r.partition, "offset": r.offset, "timestamp": r.timestamp if r.HasField("timestamp") else None}
        line["key"] = self.plain(r.key, self.schemas.get(r.key_schema))
        line["value"] = self.plain(r.value, self.schemas.get(r.value_schema))
        return json.dumps(line, allow_nan=False)

    def plain(self, value, schema):
        """Returns a value as Python has it. A struct has no names of its own: they are in the schema."""
        kind = value.WhichOneof("kind")
        if kind is None:
            return None
        if kind == "bytes":
            return base64.b64encode(value.bytes).decode()
        if kind == "decimal":
            return f'{int.from_bytes(value.decimal.unscaled, "big", signed=True)}e{-value.decimal.scale}'
        if kind == "array":
            return [self.plain(v, schema and schema.values) for v in value.array.values]
        if kind == "map":
            return {str(self.plain(e.key, schema and schema.keys)): self.plain(e.value, schema and schema.values) for e in value.map.entries}
        if kind == "struct":
            fields = self.schemas.get(value.struct.schema, schema).fields
            return {f.name: self.plain(v, f.schema) for f, v in zip(fields, value.struct.values)}
        return getattr(value, kind)


class JsonLines(plugin.Plugin):
    description = pb.Description(name="jsonlines", version="1.0.0", classes=[pb.Class(
        type=pb.Class.SINK, name="JsonLines", abilities=[pb.VALIDATES], keys=[
            pb.KeyDef(name="file", type="STRING", importance="HIGH", doc="The file to append to; that of task 1 is FILE.1 and so on.")])])

    async def Validate(self, request, context):
        folder = os.path.dirname(os.path.abspath(request.of.config["file"]))
        if os.path.isdir(folder):
            return pb.Problems()
        return pb.Problems(problems=[pb.Problem(key="file", message=f"there is no directory {folder}: make it, or name another")])

    async def Sink(self, requests, context):
        opening = (await anext(requests)).open
        try:
            task = Task(opening)
        except OSError as e:
            yield pb.FromSink(opened=pb.SinkOpened(fault=pb.Fault(message=f"opening {e.filename}: {e.strerror}", **RETRY)))
            yield pb.FromSink(closed=pb.TaskClosed())
            return
        with task.file:
            yield pb.FromSink(opened=pb.SinkOpened(commits=True))
            async for message in requests:
                kind = message.WhichOneof("message")
                if kind == "put":
                    yield pb.FromSink(done=task.put(message.put))
                elif kind == "commit":
                    os.fsync(task.file.fileno())
                    yield pb.FromSink(commit=pb.CommitAnswer(number=message.commit.number, safe=message.commit.put))
                elif kind == "close":
                    break
            yield pb.FromSink(closed=pb.TaskClosed())


if __name__ == "__main__":
    plugin.main(JsonLines())
