import io.apicurio.registry.utils.converter.AvroConverter;
import java.lang.management.ManagementFactory;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Cast;
import org.apache.kafka.connect.transforms.InsertField;
import org.apache.kafka.connect.transforms.RegexRouter;
import org.apache.kafka.connect.transforms.ReplaceField;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.ValueToKey;

/** Kafka Connect's own classes, and Apicurio's Avro, over the reading that conversion.go has; it prints "cost name ns cpu-ns bytes" per record, a line a round. */
public class Conversions {
    interface Loop {
        Object once();
    }

    static final Schema READING = SchemaBuilder.struct().name("reading")
        .field("device", Schema.STRING_SCHEMA).field("site", Schema.STRING_SCHEMA)
        .field("temp", Schema.FLOAT64_SCHEMA).field("humidity", Schema.FLOAT64_SCHEMA).field("count", Schema.INT32_SCHEMA)
        .field("total", Schema.INT64_SCHEMA).field("ok", Schema.BOOLEAN_SCHEMA).field("note", Schema.OPTIONAL_STRING_SCHEMA)
        .field("raw", Schema.BYTES_SCHEMA).field("at", Timestamp.SCHEMA).build();

    static Struct reading() {
        return new Struct(READING).put("device", "sensor-000123").put("site", "hall 7, north").put("temp", 21.5).put("humidity", 47.25)
            .put("count", 42).put("total", 1234567890123L).put("ok", true).put("raw", new byte[24]).put("at", new Date(1_700_000_000_000L));
    }

    static JsonConverter json(boolean schemas) {
        JsonConverter c = new JsonConverter();
        c.configure(Map.of("schemas.enable", Boolean.toString(schemas)), false);
        return c;
    }

    static Converter avro(String registry) {
        AvroConverter<Object> c = new AvroConverter<>();
        c.configure(Map.of("apicurio.registry.url", registry, "apicurio.registry.auto-register", "true", "apicurio.registry.as-confluent", "true",
            "apicurio.registry.headers.enabled", "false"), false);
        return c;
    }

    static <T extends Transformation<SourceRecord>> T configured(T transform, Map<String, String> config) {
        transform.configure(config);
        return transform;
    }

    static List<Transformation<SourceRecord>> chain() {
        return List.of(
            configured(new InsertField.Value<SourceRecord>(), Map.of("static.field", "plant", "static.value", "north")),
            configured(new ReplaceField.Value<SourceRecord>(), Map.of("exclude", "raw", "renames", "temp:celsius")),
            configured(new Cast.Value<SourceRecord>(), Map.of("spec", "count:int64,humidity:float32")),
            configured(new ValueToKey<SourceRecord>(), Map.of("fields", "device")),
            configured(new RegexRouter<SourceRecord>(), Map.of("regex", "(.*)-raw", "replacement", "$1")));
    }

    static SourceRecord through(List<Transformation<SourceRecord>> chain, Schema schema, Object value) {
        SourceRecord r = new SourceRecord(null, null, "readings-raw", null, null, null, schema, value, 1_700_000_000_000L);
        for (Transformation<SourceRecord> t : chain) {
            r = t.apply(r);
        }
        return r;
    }

    static Object blackhole;

    static void measure(String name, int rounds, long millis, Loop loop) {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        com.sun.management.OperatingSystemMXBean system =
            (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long me = Thread.currentThread().getId();
        for (int round = 0; round <= rounds; round++) { // the first warms up
            long allocated = threads.getThreadAllocatedBytes(me);
            long cpu = system.getProcessCpuTime();
            long began = System.nanoTime();
            long end = threads.getCurrentThreadCpuTime() + (round == 0 ? 3 : 1) * millis * 1_000_000L;
            long n = 0;
            while (threads.getCurrentThreadCpuTime() < end) {
                for (int i = 0; i < 100; i++) {
                    blackhole = loop.once();
                }
                n += 100;
            }
            if (round > 0) {
                System.out.printf("cost %s %d %d %d%n", name, (System.nanoTime() - began) / n, (system.getProcessCpuTime() - cpu) / n,
                    (threads.getThreadAllocatedBytes(me) - allocated) / n);
            }
        }
    }

    public static void main(String[] args) {
        int rounds = Integer.parseInt(args[0]);
        long millis = Long.parseLong(args[1]);
        for (boolean schemas : new boolean[] {true, false}) {
            JsonConverter c = json(schemas);
            String name = schemas ? "json-with-schema" : "json";
            Struct value = reading();
            byte[] bytes = c.fromConnectData("t", READING, value);
            measure(name + "-write", rounds, millis, () -> c.fromConnectData("t", READING, value));
            measure(name + "-read", rounds, millis, () -> c.toConnectData("t", bytes));
        }
        Converter avro = avro(args[2]);
        Struct value = reading();
        byte[] message = avro.fromConnectData("t", READING, value);
        measure("avro-write", rounds, millis, () -> avro.fromConnectData("t", READING, value));
        measure("avro-read", rounds, millis, () -> avro.toConnectData("t", message));
        List<Transformation<SourceRecord>> chain = chain();
        measure("transforms-with-schema", rounds, millis, () -> through(chain, READING, value));
        Map<String, Object> plain = new LinkedHashMap<>();
        READING.fields().forEach(f -> plain.put(f.name(), value.get(f)));
        List<Transformation<SourceRecord>> another = chain();
        measure("transforms", rounds, millis, () -> through(another, null, plain));
    }
}
