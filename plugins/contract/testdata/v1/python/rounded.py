"""A transform for Sluice: a record's value, a float64 or a struct that has some, rounded.

It is a server of plugins/contract/plugin.proto, which says what each message means. README.md says how to build, test and install it.
"""
import plugin
import plugin_pb2 as pb


def rounded(value, digits):
    if value.WhichOneof("kind") == "float64":
        value.float64 = round(value.float64, digits)
    for field in value.struct.values:
        rounded(field, digits)


class Rounded(plugin.Plugin):
    description = pb.Description(name="rounded", version="1.0.0", classes=[pb.Class(type=pb.Class.TRANSFORM, name="Rounded", keys=[
        pb.KeyDef(name="digits", type="INT", optional=True, default="1", doc="How many digits after the point are kept.")])])

    async def Transform(self, requests, context):
        digits = 1
        async for message in requests:
            if message.WhichOneof("message") == "open":
                digits = int(message.open.of.config.get("digits", digits))
                yield pb.FromTransform()
                continue
            record = message.apply.record
            rounded(record.value, digits)
            # The schemas go back as they came, so that their numbers are the same both ways.
            yield pb.FromTransform(forget=message.apply.forget, schemas=message.apply.schemas, record=record)


if __name__ == "__main__":
    plugin.main(Rounded())
