"""A source for Sluice: readings of sensors, one a line ("kitchen 21.5"), from a text file that may grow.

It is a server of plugins/contract/plugin.proto, which says what each message means. README.md says how to build, test and install it.
"""
import asyncio
import contextlib
import time

import plugin
import plugin_pb2 as pb

STRING = 8  # the number of the plain schema
READING = pb.Schema(kind=pb.STRUCT, name="Reading", fields=[
    pb.Field(name="sensor", schema=pb.Schema(kind=pb.STRING)), pb.Field(name="value", schema=pb.Schema(kind=pb.FLOAT64))])


class Task:
    """One source task. It reads while it has credit, and never holds more than one batch."""

    def __init__(self, opening):
        self.path, self.topic = opening.config["file"], opening.config["topic"]
        self.partition = [pb.Attr(name="file", value=pb.Value(string=self.path))]
        self.records = self.bytes = 0  # credit
        self.position = None  # where to read; unknown until Sluice has answered
        self.fault = None  # what ends the task as FAILED
        self.introduced = self.waiting = self.stopped = self.closed = False
        self.news = asyncio.Event()

    async def listen(self, requests):
        async for message in requests:
            kind = message.WhichOneof("message")
            if kind == "credit":
                self.records, self.bytes = self.records + message.credit.records, self.bytes + message.credit.bytes
                self.waiting = False
            elif kind == "offset" and message.offset.HasField("fault"):
                self.fault = message.offset.fault
            elif kind == "offset":
                self.position = next((a.value.int64 for a in message.offset.offset.attrs if a.name == "position"), 0)
            elif kind == "stop":
                self.stopped = True
            elif kind == "close":
                break
            self.news.set()
        self.closed = True
        self.news.set()

    def may_read(self):
        return self.position is not None and self.records > 0 and self.bytes > 0 and not self.waiting and not self.stopped

    def read(self):
        """Returns what is there, as far as credit goes. Where the file cannot be read, a fault asks for another try."""
        batch = pb.SourceBatch()
        try:
            with open(self.path, "rb") as file:
                file.seek(self.position)
                while self.may_read() and (line := file.readline()).endswith(b"\n"):
                    self.position += len(line)
                    self.fill(batch.records.add(), line.decode(errors="replace").strip())
                    self.records, self.bytes = self.records - 1, self.bytes - batch.records[-1].ByteSize()
        except OSError as e:
            self.waiting = True
            batch.fault.MergeFrom(pb.Fault(message=f"reading {self.path}: {e.strerror}", **{"class": pb.Fault.RETRY}))
        if batch.records and not self.introduced:  # from now on the schema is number 16, and the partition number 1
            batch.schemas.append(READING)
            batch.partitions.add(attrs=self.partition)
            self.introduced = True
        return batch

    def fill(self, record, line):
        record.topic, record.source = self.topic, 1
        record.offset.attrs.add(name="position", value=pb.Value(int64=self.position))
        try:
            sensor, number = line.split()
            record.value.struct.values.extend([pb.Value(string=sensor), pb.Value(float64=float(number))])
            record.value_schema, record.key_schema, record.key.string = 16, STRING, sensor
        except ValueError:
            record.value_schema, record.value.string, record.rejected = STRING, line, "the line is not a sensor and a number"


class Readings(plugin.Plugin):
    description = pb.Description(name="readings", version="1.0.0", classes=[pb.Class(type=pb.Class.SOURCE, name="Readings", keys=[
        pb.KeyDef(name="file", type="STRING", importance="HIGH", doc="The file to read."),
        pb.KeyDef(name="topic", type="STRING", importance="HIGH", doc="The topic to write to.")])])

    async def Source(self, requests, context):
        task = Task((await anext(requests)).open)
        listening = asyncio.create_task(task.listen(requests))
        try:
            yield pb.FromSource(opened=pb.SourceOpened())
            yield pb.FromSource(offset=pb.OffsetQuestion(number=1, partition=task.partition))
            said = 0
            while not task.closed and not task.fault:
                if task.may_read():
                    batch = task.read()
                    # Now and then an empty batch says that there is no more at hand, and that what had failed works again.
                    if batch.ByteSize() or time.monotonic() - said > 1:
                        said = 0 if batch.HasField("fault") else time.monotonic()
                        yield pb.FromSource(batch=batch)
                        yield pb.FromSource(metrics=pb.Metrics(metrics=[pb.Metric(name="read_bytes", help="Bytes read.", value=task.position)]))
                        continue
                task.news.clear()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(task.news.wait(), 0.2)  # then the file may have grown
            if task.fault:
                yield pb.FromSource(fail=task.fault)
            yield pb.FromSource(closed=pb.TaskClosed())
        finally:
            listening.cancel()


if __name__ == "__main__":
    plugin.main(Readings())
