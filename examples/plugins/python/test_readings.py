import os
import tempfile
import unittest

import plugin_pb2 as pb
from host import PATIENCE, Host, Stream


class ReadingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = cls.enterClassContext(Host("readings.py"))

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = os.path.join(folder, "readings.txt")

    def write(self, text):
        with open(self.path, "a") as file:
            file.write(text)

    def open(self, position=None):
        return self.open_at(self.host, position)

    def open_at(self, host, position=None):
        stream = Stream(host.plugin.Source)
        stream.say(pb.ToSource(open=pb.OpenTask(**{"class": "Readings"}, config={"file": self.path, "topic": "readings"}, connector="house")))
        self.assertFalse(stream.hear("opened").HasField("fault"))
        question = stream.hear("offset")
        self.assertEqual([("file", self.path)], [(a.name, a.value.string) for a in question.partition])
        answer = pb.OffsetAnswer(number=question.number)
        if position is not None:
            answer.offset.attrs.add(name="position", value=pb.Value(int64=position))
        stream.say(pb.ToSource(offset=answer))
        return stream

    def batch(self, stream):
        """Returns the next batch that says something."""
        while not (batch := stream.hear("batch")).ByteSize():
            pass
        return batch

    def close(self, stream):
        stream.say(pb.ToSource(stop=pb.StopTask()))
        stream.say(pb.ToSource(close=pb.CloseTask(timeout_ms=1000)))
        while (last := next(stream.answers)).WhichOneof("message") in ("batch", "metrics"):
            pass
        self.assertTrue(last.HasField("closed") and not last.closed.HasField("fault"), last)
        stream.end()

    def test_a_task_reads_as_far_as_credit_goes_and_sends_schemas_once(self):
        self.write("kitchen 21.5\ncellar 12\nattic 30.25\nhalf")
        stream = self.open()
        stream.say(pb.ToSource(credit=pb.Credit(records=2, bytes=1 << 20)))
        batch = self.batch(stream)
        self.assertEqual(["kitchen", "cellar"], [r.key.string for r in batch.records])
        self.assertEqual([21.5, 12], [r.value.struct.values[1].float64 for r in batch.records])
        self.assertEqual([13, 23], [r.offset.attrs[0].value.int64 for r in batch.records])
        self.assertEqual([16, 16], [r.value_schema for r in batch.records])
        self.assertEqual((1, 1), (len(batch.schemas), len(batch.partitions)))
        stream.say(pb.ToSource(receipts=pb.Receipts(runs=[pb.Run(source=1, count=2, topic="readings")])))
        stream.say(pb.ToSource(credit=pb.Credit(records=2, bytes=1 << 20)))
        batch = self.batch(stream)
        self.assertEqual(["attic"], [r.key.string for r in batch.records])
        self.assertEqual((0, 0), (len(batch.schemas), len(batch.partitions)))
        self.assertEqual([("read_bytes", 35)], [(m.name, m.value) for m in stream.hear("metrics").metrics])
        self.write(" 1.5\n")  # the line is whole now
        self.assertEqual("half", self.batch(stream).records[0].key.string)
        self.close(stream)

    def test_credit_counts_bytes_too(self):
        self.write("kitchen 21.5\ncellar 12\n")
        stream = self.open()
        stream.say(pb.ToSource(credit=pb.Credit(records=100, bytes=1)))
        first = self.batch(stream).records
        self.assertEqual(1, len(first), "one record may go beyond the credit, and is a debt")
        stream.say(pb.ToSource(credit=pb.Credit(bytes=first[0].ByteSize())))
        self.assertEqual("cellar", self.batch(stream).records[0].key.string)
        self.close(stream)

    def test_a_task_goes_on_at_the_stored_offset(self):
        self.write("kitchen 21.5\ncellar 12\n")
        stream = self.open(position=13)
        stream.say(pb.ToSource(credit=pb.Credit(records=9, bytes=1 << 20)))
        self.assertEqual("cellar", self.batch(stream).records[0].key.string)
        self.close(stream)

    def test_a_line_that_is_no_reading_is_rejected_and_passed_on(self):
        self.write("nonsense\nkitchen 21.5\n")
        stream = self.open()
        stream.say(pb.ToSource(credit=pb.Credit(records=9, bytes=1 << 20)))
        bad, good = self.batch(stream).records
        self.assertEqual(("the line is not a sensor and a number", "nonsense"), (bad.rejected, bad.value.string))
        self.assertFalse(good.HasField("rejected"))
        self.close(stream)

    def test_a_missing_file_is_asked_for_again(self):
        stream = self.open()
        stream.say(pb.ToSource(credit=pb.Credit(records=9, bytes=1 << 20)))
        fault = self.batch(stream).fault
        self.assertEqual(pb.Fault.RETRY, getattr(fault, "class"))
        self.assertEqual(f"reading {self.path}: No such file or directory", fault.message)
        self.write("")
        stream.say(pb.ToSource(credit=pb.Credit()))
        self.assertEqual(pb.SourceBatch(), stream.hear("batch"), "it can be read, and there is nothing in it")
        self.write("kitchen 21.5\n")
        self.assertEqual("kitchen", self.batch(stream).records[0].key.string)
        self.close(stream)

    def test_an_offset_that_cannot_be_read_fails_the_task(self):
        stream = Stream(self.host.plugin.Source)
        stream.say(pb.ToSource(open=pb.OpenTask(**{"class": "Readings"}, config={"file": self.path, "topic": "readings"})))
        stream.hear("opened")
        stream.say(pb.ToSource(offset=pb.OffsetAnswer(number=stream.hear("offset").number, fault=pb.Fault(message="no offsets"))))
        self.assertEqual("no offsets", stream.hear("fail").message)
        stream.hear("closed")
        stream.end()

    def test_two_tasks_run_beside_one_another(self):
        self.write("kitchen 21.5\n")
        for stream in [self.open(), self.open()]:
            stream.say(pb.ToSource(credit=pb.Credit(records=9, bytes=1 << 20)))
            self.assertEqual("kitchen", self.batch(stream).records[0].key.string)
            self.close(stream)

    def test_the_plugin_says_what_it_brings_and_ends_when_asked_to(self):
        with Host("readings.py") as host:
            described = host.plugin.Describe(pb.DescribeRequest())
            self.assertEqual(("readings", ["Readings"]), (described.name, [c.name for c in described.classes]))
            host.plugin.Ping(pb.PingRequest())
            host.plugin.Stop(pb.StopRequest())
            self.assertEqual(0, host.process.wait(PATIENCE))

    def test_the_plugin_ends_with_sluice_even_while_a_task_runs(self):
        host = Host("readings.py")
        with host:
            self.open_at(host)
        self.assertEqual(0, host.process.returncode)


if __name__ == "__main__":
    unittest.main()
