import unittest

import plugin_pb2 as pb
from host import PATIENCE, Host

READING = pb.Schema(kind=pb.STRUCT, fields=[pb.Field(name="value", schema=pb.Schema(kind=pb.FLOAT64))])


class RoundedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = cls.enterClassContext(Host("rounded.py"))

    def test_numbers_are_rounded_and_all_else_stays(self):
        struct = pb.Value(struct=pb.Struct(values=[pb.Value(float64=1.25)]))
        records = [pb.SourceRecord(topic="a", value_schema=16, value=struct), pb.SourceRecord(topic="b", value_schema=7, value=pb.Value(float64=21.58)),
                   pb.SourceRecord(topic="c", value_schema=8, value=pb.Value(string="1.25"))]
        of = pb.ClassConfig(type=pb.Class.TRANSFORM, **{"class": "Rounded"}, config={"digits": "1"})
        answers = self.host.plugin.Transform(iter([
            pb.ToTransform(open=pb.OpenPart(of=of)), pb.ToTransform(apply=pb.Apply(schemas=[READING], record=records[0])),
            pb.ToTransform(apply=pb.Apply(record=records[1])), pb.ToTransform(apply=pb.Apply(record=records[2]))]), timeout=PATIENCE)
        opened, first, second, third = answers
        self.assertFalse(opened.HasField("fault"))
        self.assertEqual(([READING], 16, 1.2), (list(first.schemas), first.record.value_schema, first.record.value.struct.values[0].float64))
        self.assertEqual(("b", 21.6), (second.record.topic, second.record.value.float64))
        self.assertEqual(records[2], third.record)


if __name__ == "__main__":
    unittest.main()
