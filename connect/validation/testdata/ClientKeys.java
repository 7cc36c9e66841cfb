import java.util.*;
import org.apache.kafka.common.config.ConfigDef;

/** Writes the keys of Kafka's clients: which clients have it (P, C, A), its name, type, importance, and default: "-" none, "~" null, or "=text". */
public class ClientKeys {
    public static void main(String[] args) {
        Map<String, ConfigDef> clients = new LinkedHashMap<>();
        clients.put("P", org.apache.kafka.clients.producer.ProducerConfig.configDef());
        clients.put("C", org.apache.kafka.clients.consumer.ConsumerConfig.configDef());
        clients.put("A", org.apache.kafka.clients.admin.AdminClientConfig.configDef());
        TreeMap<String, String> lines = new TreeMap<>();
        clients.forEach((client, def) -> def.configKeys().values().forEach(k -> {
            if (k.internalConfig) {
                return;
            }
            if (k.group != null || k.orderInGroup != -1 || k.width != ConfigDef.Width.NONE || !k.displayName.equals(k.name) || !k.dependents.isEmpty()) {
                throw new IllegalStateException(k.name + " has more than this table");
            }
            String value = ConfigDef.NO_DEFAULT_VALUE.equals(k.defaultValue) ? "-"
                : k.defaultValue == null ? "~" : "=" + ConfigDef.convertToString(k.defaultValue, k.type);
            lines.merge(String.join("\t", k.name, k.type.name(), k.importance.name(), value), client, String::concat);
        }));
        lines.forEach((line, who) -> System.out.println(who + "\t" + line));
    }
}
