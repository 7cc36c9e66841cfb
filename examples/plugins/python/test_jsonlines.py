import json
import os
import resource
import tempfile
import unittest

import plugin_pb2 as pb
from host import Host, Stream

READING = pb.Schema(kind=pb.STRUCT, name="Reading", fields=[
    pb.Field(name="sensor", schema=pb.Schema(kind=pb.STRING)), pb.Field(name="values", schema=pb.Schema(kind=pb.ARRAY, values=pb.Schema(kind=pb.FLOAT64)))])


def record(offset, schema, value):
    return pb.SinkRecord(topic="readings", offset=offset, value_schema=schema, value=value)


class JsonLinesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = cls.enterClassContext(Host("jsonlines.py"))

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = os.path.join(folder, "out.jsonl")

    def ask_to_open(self, task=0):
        stream = Stream(self.host.plugin.Sink)
        stream.say(pb.ToSink(open=pb.OpenTask(**{"class": "JsonLines"}, config={"file": self.path}, connector="archive", task=task)))
        return stream, stream.hear("opened")

    def open(self, task=0):
        stream, opened = self.ask_to_open(task)
        self.assertEqual((False, True), (opened.HasField("fault"), opened.commits))
        return stream

    def put(self, stream, number, *records, **more):
        stream.say(pb.ToSink(put=pb.Put(number=number, records=records, **more)))
        done = stream.hear("done")
        self.assertEqual(number, done.number)
        return done

    def close(self, stream):
        stream.say(pb.ToSink(close=pb.CloseTask(timeout_ms=1000)))
        self.assertFalse(stream.hear("closed").HasField("fault"))
        stream.end()

    def lines(self, path=None):
        with open(path or self.path) as file:
            return [json.loads(line) for line in file]

    def test_what_is_committed_is_in_the_file(self):
        stream = self.open()
        reading = pb.Value(struct=pb.Struct(values=[pb.Value(string="attic"), pb.Value(array=pb.Array(values=[pb.Value(float64=1.5)]))]))
        self.put(stream, 1, record(0, 8, pb.Value(string="one")), record(1, 16, reading), schemas=[READING])
        self.put(stream, 2, record(2, 16, reading), record(3, 9, pb.Value(bytes=b"\0\1")), record(4, 0, pb.Value()))
        put = [pb.SinkOffset(topic="readings", offset=5)]
        stream.say(pb.ToSink(commit=pb.CommitQuestion(number=7, put=put)))
        self.assertEqual(pb.CommitAnswer(number=7, safe=put), stream.hear("commit"))
        struct = {"sensor": "attic", "values": [1.5]}
        self.assertEqual([(0, "one"), (1, struct), (2, struct), (3, "AAE="), (4, None)], [(r["offset"], r["value"]) for r in self.lines()])
        self.close(stream)

    def test_schemas_that_are_forgotten_are_numbered_anew(self):
        stream = self.open()
        self.put(stream, 1, record(0, 16, pb.Value(struct=pb.Struct(values=[pb.Value(string="attic")]))), schemas=[READING])
        other = pb.Schema(kind=pb.STRUCT, fields=[pb.Field(name="room", schema=pb.Schema(kind=pb.STRING))])
        self.put(stream, 2, record(1, 16, pb.Value(struct=pb.Struct(values=[pb.Value(string="attic")]))), forget=True, schemas=[other])
        self.assertEqual([{"sensor": "attic"}, {"room": "attic"}], [r["value"] for r in self.lines()])
        self.close(stream)

    def test_what_json_cannot_hold_is_refused_alone(self):
        stream = self.open()
        done = self.put(stream, 1, record(0, 8, pb.Value(string="one")), record(1, 7, pb.Value(float64=float("nan"))), record(2, 8, pb.Value(string="two")))
        self.assertEqual([(1, pb.Fault.DATA)], [(f.index, getattr(f.fault, "class")) for f in done.failed])
        self.assertEqual(["one", "two"], [r["value"] for r in self.lines()])
        self.close(stream)

    def test_half_a_line_that_a_crash_left_is_cut_off(self):
        with open(self.path, "w") as file:
            file.write('{"value": "one"}\n{"val')
        stream = self.open()
        self.put(stream, 1, record(0, 8, pb.Value(string="two")))
        self.assertEqual(["one", "two"], [r["value"] for r in self.lines()])
        self.close(stream)

    def test_each_task_has_a_file_of_its_own(self):
        streams = [self.open(), self.open(task=1)]
        for number, stream in enumerate(streams):
            self.put(stream, 1, record(number, 8, pb.Value(string="one")))
            self.close(stream)
        self.assertEqual(([0], [1]), ([r["offset"] for r in self.lines()], [r["offset"] for r in self.lines(self.path + ".1")]))

    def test_a_missing_directory_is_told_and_waited_for(self):
        self.path = os.path.join(os.path.dirname(self.path), "none", "out.jsonl")
        of = pb.ClassConfig(type=pb.Class.SINK, **{"class": "JsonLines"}, config={"file": self.path})
        problem, = self.host.plugin.Validate(pb.ValidateRequest(of=of)).problems
        self.assertEqual(("file", f"there is no directory {os.path.dirname(self.path)}: make it, or name another"), (problem.key, problem.message))
        stream, opened = self.ask_to_open()
        self.assertEqual(pb.Fault.RETRY, getattr(opened.fault, "class"))
        stream.hear("closed")
        stream.end()

    @unittest.skipUnless(hasattr(resource, "prlimit"), "only Linux limits another process")
    def test_a_full_disk_is_waited_for_and_leaves_no_half_batch(self):
        stream = self.open()
        self.put(stream, 1, record(0, 8, pb.Value(string="one")))
        size = os.path.getsize(self.path)
        limits = resource.prlimit(self.host.process.pid, resource.RLIMIT_FSIZE, (size + 1, resource.RLIM_INFINITY))
        self.addCleanup(resource.prlimit, self.host.process.pid, resource.RLIMIT_FSIZE, limits)
        done = self.put(stream, 2, record(1, 8, pb.Value(string="two")))
        self.assertEqual((pb.Fault.RETRY, f"writing {self.path}: File too large"), (getattr(done.fault, "class"), done.fault.message))
        self.assertEqual(size, os.path.getsize(self.path))
        resource.prlimit(self.host.process.pid, resource.RLIMIT_FSIZE, limits)
        self.assertFalse(self.put(stream, 3, record(1, 8, pb.Value(string="two"))).HasField("fault"))
        self.assertEqual(["one", "two"], [r["value"] for r in self.lines()])
        self.close(stream)


if __name__ == "__main__":
    unittest.main()
