import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.storage.OffsetUtils;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

// Answers questions in the notation of the golden files: a case a line comes in without its result, and goes out with what Kafka Connect's
// own classes did. One that Java cannot be asked, because its value does not fit its schema, is left out.
public class Judge {
    static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    static final ObjectMapper MAPPER = new ObjectMapper();

    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            ObjectNode question = (ObjectNode) MAPPER.readTree(line);
            try {
                answer(question);
            } catch (Unfit e) {
                continue; // what asks is not a thing that Java can be given
            }
            out.println(MAPPER.writeValueAsString(question));
        }
        out.flush();
    }

    static class Unfit extends RuntimeException {
        Unfit(Throwable cause) {
            super(cause);
        }
    }

    static void answer(ObjectNode q) throws JsonProcessingException {
        switch (q.get("op").asText()) {
            case "transform" -> transform(q);
            case "predicate" -> predicate(q);
            case "from" -> from(q);
            case "to" -> to(q);
            case "parse" -> parse(q);
            case "write" -> write(q);
            default -> throw new IllegalArgumentException("no such question: " + q);
        }
    }

    static void fail(ObjectNode q, Throwable e) {
        q.put("error", e.getClass().getSimpleName());
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static void transform(ObjectNode q) {
        ConnectRecord in = record(q);
        Transformation t = create(q.get("transform").asText());
        try {
            t.configure(config(q.get("config")));
        } catch (Throwable e) {
            fail(q, e);
            q.put("stage", "configure");
            return;
        }
        try {
            ConnectRecord out = t.apply(in);
            q.set("out", out == null ? JSON.nullNode() : written(out));
        } catch (Throwable e) {
            fail(q, e);
            q.put("stage", "apply");
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static void predicate(ObjectNode q) {
        ConnectRecord in = record(q);
        Predicate p = create(q.get("predicate").asText());
        try {
            p.configure(config(q.get("config")));
            q.put("result", p.test(in));
        } catch (Throwable e) {
            fail(q, e);
        }
    }

    static String converter(ObjectNode q) {
        String name = q.has("converter") ? q.get("converter").asText() : "JsonConverter";
        return switch (name) {
            case "JsonConverter" -> "org.apache.kafka.connect.json.JsonConverter";
            case "StringConverter", "SimpleHeaderConverter" -> "org.apache.kafka.connect.storage." + name;
            default -> "org.apache.kafka.connect.converters." + name;
        };
    }

    static boolean header(ObjectNode q) {
        return q.has("seat") ? q.get("seat").asText().equals("header") : q.has("converter");
    }

    static Converter value(ObjectNode q) {
        Converter c = create(converter(q));
        c.configure(config(q.get("config")), q.has("seat") && q.get("seat").asText().equals("key"));
        return c;
    }

    static HeaderConverter headerValue(ObjectNode q) {
        HeaderConverter c = create(converter(q));
        Map<String, String> config = new HashMap<>(config(q.get("config")));
        config.put("converter.type", "header");
        c.configure(config);
        return c;
    }

    static void from(ObjectNode q) {
        Schema schema = schema(q.get("schema"));
        Object value = value(q.get("value"), schema);
        byte[] out;
        try {
            out = header(q) ? headerValue(q).fromConnectHeader("t", "h", schema, value) : value(q).fromConnectData("t", schema, value);
        } catch (Throwable e) {
            fail(q, e);
            return;
        }
        if (q.has("seat")) {
            q.put("out_hex", out == null ? null : HexFormat.of().formatHex(out));
        } else {
            q.set("out", bytes(out));
        }
    }

    static void to(ObjectNode q) {
        byte[] in = q.has("seat") ? unhex(q.get("in_hex")) : unbytes(q.get("in"));
        SchemaAndValue got;
        try {
            got = header(q) ? headerValue(q).toConnectHeader("t", "h", in) : value(q).toConnectData("t", in);
        } catch (Throwable e) {
            fail(q, e);
            return;
        }
        q.set("schema", got == null ? JSON.nullNode() : written(got.schema()));
        q.set("value", got == null ? JSON.nullNode() : written(got.value(), got.schema()));
    }

    // What OffsetStorageWriter sends for a source partition and offset.
    static void write(ObjectNode q) {
        boolean linked = q.get("map").asText().equals("LinkedHashMap");
        Map<String, Object> partition = linked ? new LinkedHashMap<>() : new HashMap<>(), offset = linked ? new LinkedHashMap<>() : new HashMap<>();
        for (JsonNode e : q.get("partition_put_in_order")) partition.put(text(e.get(0)), value(e.get(1), null));
        for (JsonNode e : q.get("offset_put_in_order")) offset.put(text(e.get(0)), value(e.get(1), null));
        JsonConverter keys = new JsonConverter(), values = new JsonConverter();
        keys.configure(Map.of("schemas.enable", "false"), true);
        values.configure(Map.of("schemas.enable", "false"), false);
        try {
            OffsetUtils.validateFormat(partition);
            OffsetUtils.validateFormat(offset);
            byte[] key = keys.fromConnectData("c", null, List.of(q.get("connector").asText(), partition));
            q.put("key", new String(key, StandardCharsets.UTF_8));
            q.put("value", new String(values.fromConnectData("c", null, offset), StandardCharsets.UTF_8));
            q.put("topic_partition_of_25", Utils.toPositive(Utils.murmur2(key)) % 25);
        } catch (Throwable e) {
            fail(q, e);
        }
    }

    static void parse(ObjectNode q) {
        ConfigDef.Type type = ConfigDef.Type.valueOf(q.get("type").asText());
        String text = q.get("text").isNull() ? null : q.get("text").asText();
        try {
            Object v = ConfigDef.parseType(q.get("key").asText(), text, type);
            q.set("value", parsed(v));
            String asText = ConfigDef.convertToString(v, type);
            q.put("as_text", asText);
        } catch (Throwable e) {
            fail(q, e);
            q.put("message", e.getMessage());
        }
    }

    static JsonNode parsed(Object v) {
        if (v instanceof Class<?> c) return JSON.arrayNode().add("class").add(c.getName());
        if (v instanceof Password p) return JSON.arrayNode().add("password").add(p.value()).add(p.toString());
        return written(v, null);
    }

    @SuppressWarnings("unchecked")
    static <T> T create(String name) {
        try {
            return (T) Class.forName(name).getDeclaredConstructor().newInstance();
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    static Map<String, String> config(JsonNode n) {
        Map<String, String> m = new LinkedHashMap<>();
        n.fields().forEachRemaining(e -> m.put(e.getKey(), e.getValue().isNull() ? null : e.getValue().asText()));
        return m;
    }

    // Records.

    static String text(JsonNode n) {
        return n == null || n.isNull() ? null : n.asText();
    }

    static ConnectRecord<?> record(ObjectNode q) {
        JsonNode n = q.get("in");
        try {
            String topic = text(n.get("topic"));
            Integer partition = n.get("partition").isNull() ? null : n.get("partition").asInt();
            Long timestamp = n.get("timestamp").isNull() ? null : Long.valueOf(n.get("timestamp").asText());
            Schema keys = schema(n.get("key").get("schema")), values = schema(n.get("value").get("schema"));
            Object key = value(n.get("key").get("value"), keys), value = value(n.get("value").get("value"), values);
            ConnectHeaders headers = new ConnectHeaders();
            for (JsonNode h : n.get("headers")) {
                Schema s = schema(h.get(1).get("schema"));
                headers.add(h.get(0).asText(), value(h.get(1).get("value"), s), s);
            }
            if (q.get("kind").asText().equals("source")) {
                return new SourceRecord(Map.of(), Map.of(), topic, partition, keys, key, values, value, timestamp, headers);
            }
            return new SinkRecord(topic, partition, keys, key, values, value, Long.parseLong(n.get("offset").asText()), timestamp,
                timestamp == null ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME, headers);
        } catch (RuntimeException e) {
            throw new Unfit(e);
        }
    }

    static ObjectNode written(ConnectRecord<?> r) {
        ObjectNode n = JSON.objectNode();
        n.put("topic", r.topic());
        n.put("partition", r.kafkaPartition());
        n.put("timestamp", r.timestamp() == null ? null : r.timestamp().toString());
        n.set("key", datum(r.keySchema(), r.key()));
        n.set("value", datum(r.valueSchema(), r.value()));
        ArrayNode headers = n.putArray("headers");
        for (Header h : r.headers()) headers.add(JSON.arrayNode().add(h.key()).add(datum(h.schema(), h.value())));
        if (r instanceof SinkRecord s) n.put("offset", Long.toString(s.kafkaOffset()));
        return n;
    }

    static ObjectNode datum(Schema s, Object v) {
        ObjectNode n = JSON.objectNode();
        n.set("schema", written(s));
        n.set("value", written(v, s));
        return n;
    }

    // Schemas.

    static Schema schema(JsonNode n) {
        if (n == null || n.isNull()) return null;
        try {
            Schema.Type type = Schema.Type.valueOf(n.get("type").asText().toUpperCase());
            SchemaBuilder b = switch (type) {
                case ARRAY -> SchemaBuilder.array(element(n.get("values")));
                case MAP -> SchemaBuilder.map(element(n.get("keys")), element(n.get("values")));
                default -> new SchemaBuilder(type);
            };
            if (n.path("optional").asBoolean()) b.optional();
            if (n.has("name")) b.name(n.get("name").asText());
            if (n.has("version")) b.version(n.get("version").asInt());
            if (n.has("doc")) b.doc(n.get("doc").asText());
            if (n.has("parameters")) n.get("parameters").fields().forEachRemaining(e -> b.parameter(e.getKey(), e.getValue().asText()));
            if (n.has("fields")) for (JsonNode f : n.get("fields")) b.field(f.get(0).asText(), schema(f.get(1)));
            if (n.has("default")) {
                b.defaultValue(value(n.get("default"), b));
            }
            return b.build();
        } catch (RuntimeException e) {
            throw new Unfit(e);
        }
    }

    static Schema element(JsonNode n) {
        if (n == null || n.isNull()) throw new Unfit(null); // only readers of JSON make such
        return schema(n);
    }

    static JsonNode written(Schema s) {
        if (s == null) return JSON.nullNode();
        ObjectNode n = JSON.objectNode();
        n.put("type", s.type().getName());
        if (s.isOptional()) n.put("optional", true);
        if (s.name() != null) n.put("name", s.name());
        if (s.version() != null) n.put("version", s.version());
        if (s.doc() != null) n.put("doc", s.doc());
        if (s.parameters() != null && !s.parameters().isEmpty()) {
            ObjectNode p = n.putObject("parameters");
            s.parameters().forEach(p::put);
        }
        if (s.defaultValue() != null) n.set("default", written(s.defaultValue(), s));
        switch (s.type()) {
            case MAP -> {
                n.set("keys", written(s.keySchema()));
                n.set("values", written(s.valueSchema()));
            }
            case ARRAY -> n.set("values", written(s.valueSchema()));
            case STRUCT -> {
                ArrayNode fields = n.putArray("fields");
                for (Field f : s.fields()) fields.add(JSON.arrayNode().add(f.name()).add(written(f.schema())));
            }
            default -> { }
        }
        return n;
    }

    // Values.

    static Object value(JsonNode n, Schema s) {
        if (n == null || n.isNull()) return null;
        String kind = n.get(0).asText();
        JsonNode v = n.get(1);
        try {
            switch (kind) {
                case "int8": return (byte) v.asInt();
                case "int16": return (short) v.asInt();
                case "int32": return v.asInt();
                case "int64": return Long.valueOf(v.asText());
                case "float32": return Float.valueOf(v.asText());
                case "float64": return Double.valueOf(v.asText());
                case "boolean": return v.asBoolean();
                case "string": return v.asText();
                case "bytes": return Base64.getDecoder().decode(v.asText());
                case "decimal": return new BigDecimal(new BigInteger(v.asText()), n.get(2).asInt());
                case "date": return new Date(Long.parseLong(v.asText()));
                case "array": {
                    List<Object> list = new ArrayList<>();
                    Schema of = s != null && s.type() == Schema.Type.ARRAY ? s.valueSchema() : null;
                    for (JsonNode e : v) list.add(value(e, of));
                    return list;
                }
                case "map": {
                    boolean fits = s != null && s.type() == Schema.Type.MAP;
                    Map<Object, Object> map = new LinkedHashMap<>();
                    for (JsonNode e : v) map.put(value(e.get(0), fits ? s.keySchema() : null), value(e.get(1), fits ? s.valueSchema() : null));
                    return map;
                }
                case "struct": {
                    Schema own = n.size() > 2 ? schema(n.get(2)) : s;
                    Struct struct = new Struct(own instanceof SchemaBuilder b ? b.build() : own);
                    for (JsonNode e : v) struct.put(e.get(0).asText(), value(e.get(1), own.field(e.get(0).asText()).schema()));
                    return struct;
                }
                default: throw new IllegalArgumentException(kind);
            }
        } catch (RuntimeException e) {
            throw new Unfit(e);
        }
    }

    static JsonNode written(Object v, Schema s) {
        if (v == null) return JSON.nullNode();
        ArrayNode n = JSON.arrayNode();
        if (v instanceof Byte x) return n.add("int8").add(x.intValue());
        if (v instanceof Short x) return n.add("int16").add(x.intValue());
        if (v instanceof Integer x) return n.add("int32").add(x);
        if (v instanceof Long x) return n.add("int64").add(x.toString());
        if (v instanceof Float x) return n.add("float32").add(x.toString());
        if (v instanceof Double x) return n.add("float64").add(x.toString());
        if (v instanceof Boolean x) return n.add("boolean").add(x);
        if (v instanceof String x) {
            if (!StandardCharsets.UTF_8.newEncoder().canEncode(x)) throw new Unfit(new IllegalArgumentException("half of a surrogate pair"));
            return n.add("string").add(x);
        }
        if (v instanceof byte[] x) return n.add("bytes").add(Base64.getEncoder().encodeToString(x));
        if (v instanceof ByteBuffer x) {
            byte[] b = new byte[x.remaining()];
            x.duplicate().get(b);
            return n.add("bytes").add(Base64.getEncoder().encodeToString(b));
        }
        if (v instanceof BigDecimal x) return n.add("decimal").add(x.unscaledValue().toString()).add(x.scale());
        if (v instanceof Date x) return n.add("date").add(Long.toString(x.getTime()));
        if (v instanceof List<?> x) {
            n.add("array");
            ArrayNode list = n.addArray();
            Schema of = s != null && s.type() == Schema.Type.ARRAY ? s.valueSchema() : null;
            for (Object e : x) list.add(written(e, of));
            return n;
        }
        if (v instanceof Map<?, ?> x) {
            n.add("map");
            ArrayNode list = n.addArray();
            boolean fits = s != null && s.type() == Schema.Type.MAP;
            x.forEach((k, e) -> list.add(JSON.arrayNode().add(written(k, fits ? s.keySchema() : null)).add(written(e, fits ? s.valueSchema() : null))));
            return n;
        }
        if (v instanceof Struct x) {
            n.add("struct");
            ArrayNode list = n.addArray();
            for (Field f : x.schema().fields()) {
                list.add(JSON.arrayNode().add(f.name()).add(written(x.getWithoutDefault(f.name()), f.schema())));
            }
            if (!Objects.equals(x.schema(), s)) n.add(written(x.schema()));
            return n;
        }
        throw new Unfit(new IllegalArgumentException("a value of " + v.getClass()));
    }

    // Bytes.

    static JsonNode bytes(byte[] b) {
        if (b == null) return JSON.nullNode();
        try {
            return JSON.objectNode().put("text", StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(b)).toString());
        } catch (CharacterCodingException e) {
            return JSON.objectNode().put("hex", HexFormat.of().formatHex(b));
        }
    }

    static byte[] unbytes(JsonNode n) {
        if (n == null || n.isNull()) return null;
        return n.has("text") ? n.get("text").asText().getBytes(StandardCharsets.UTF_8) : unhex(n.get("hex"));
    }

    static byte[] unhex(JsonNode n) {
        return n == null || n.isNull() ? null : HexFormat.of().parseHex(n.asText());
    }
}
