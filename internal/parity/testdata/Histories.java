import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor;
import org.apache.kafka.connect.runtime.distributed.WorkerCoordinator.ConnectorsAndTasks;
import org.apache.kafka.connect.storage.ClusterConfigState;
import org.apache.kafka.connect.util.ConnectorTaskId;

// Random histories of a group as assignor.json has them, decided by Kafka Connect's own assignor: Histories SEED COUNT.
public class Histories {
    static final int ROUNDS = 40;
    static final Method DECIDE = method(IncrementalCooperativeAssignor.class, "performTaskAssignment", ClusterConfigState.class, int.class, int.class, Map.class);

    final Random random;
    final Clock clock = new Clock();
    final int maxDelay;
    IncrementalCooperativeAssignor assignor;
    final Map<String, Integer> connectors = new LinkedHashMap<>(); // to their number of tasks
    final Set<String> inconsistent = new LinkedHashSet<>();
    final Map<String, Held> members = new LinkedHashMap<>();
    final Map<String, Held> away = new LinkedHashMap<>(); // members that may return
    int completed = -1, generation = 0;

    static class Held {
        final Set<String> connectors = new LinkedHashSet<>();
        final Set<ConnectorTaskId> tasks = new LinkedHashSet<>();
    }

    public static void main(String[] args) throws Exception {
        Random random = new Random(Long.parseLong(args[0]));
        ObjectMapper mapper = new ObjectMapper();
        String before = "[";
        for (int i = Integer.parseInt(args[1]); i > 0; i--, before = ",") { // one by one: all of them are too much for the heap
            ObjectNode history = JsonNodeFactory.instance.objectNode();
            new Histories(random).write(history);
            System.out.print(before + mapper.writeValueAsString(history));
        }
        System.out.println("]");
    }

    Histories(Random random) {
        this.random = random;
        maxDelay = new int[] {300000, 0, 60000, 10000}[random.nextInt(4)];
        lead();
    }

    void lead() {
        assignor = new IncrementalCooperativeAssignor(new LogContext(), clock, maxDelay);
    }

    void write(ObjectNode history) throws ReflectiveOperationException {
        history.put("max_delay_ms", maxDelay);
        ArrayNode rounds = history.putArray("rounds");
        int events = 2 + random.nextInt(4);
        for (int i = 0; i < ROUNDS; i++) {
            for (int n = random.nextInt(events); n > 0; n--) event();
            if (members.isEmpty()) join();
            clock.now += new long[] {0, 5, 100, 1000, maxDelay / 3, Math.max(1, maxDelay - 10), maxDelay, maxDelay + 10, 300000}[random.nextInt(9)];
            boolean leads = i > 0 && random.nextInt(25) == 0;
            if (leads) lead();
            generation += random.nextInt(10) == 0 ? 2 + random.nextInt(2) : 1;
            round(rounds.addObject().put("new_leader", leads));
        }
    }

    void event() {
        switch (random.nextInt(9)) {
            case 0, 1 -> join();
            case 2 -> {
                if (members.size() < 2) return;
                String id = one(members);
                Held held = members.remove(id);
                if (random.nextBoolean()) away.put(id, held);
            }
            case 3 -> {
                if (away.isEmpty() || members.size() >= 6) return;
                String id = one(away);
                Held held = away.remove(id); // back as it was, or as a new process
                members.put(random.nextBoolean() ? id : id + "x", random.nextInt(3) == 0 ? held : new Held());
            }
            case 4, 5 -> connectors.put("c" + random.nextInt(12), random.nextInt(7));
            case 6 -> {
                if (connectors.isEmpty() || random.nextBoolean()) return;
                String gone = one(connectors);
                connectors.remove(gone);
                inconsistent.remove(gone);
            }
            case 7 -> {
                if (connectors.isEmpty()) return;
                String name = one(connectors);
                if (!inconsistent.remove(name) && random.nextInt(3) == 0) inconsistent.add(name);
            }
            default -> {
                if (!connectors.isEmpty()) connectors.put(one(connectors), random.nextInt(20));
            }
        }
    }

    void join() {
        if (members.size() < 6) members.put("connect-10.0.0." + random.nextInt(5) + ":8083-" + Integer.toHexString(random.nextInt()), new Held());
    }

    String one(Map<String, ?> map) {
        return List.copyOf(map.keySet()).get(random.nextInt(map.size()));
    }

    void round(ObjectNode round) throws ReflectiveOperationException {
        round.put("now_ms", clock.now).put("last_completed_generation", completed).put("current_generation", generation);
        ObjectNode configured = round.putObject("connectors");
        connectors.forEach(configured::put);
        inconsistent.forEach(round.putArray("inconsistent")::add);
        ObjectNode holding = round.putObject("members");
        Map<String, ConnectorsAndTasks> given = new HashMap<>();
        members.forEach((id, held) -> {
            ObjectNode member = holding.putObject(id);
            names(member.putArray("connectors"), held.connectors);
            names(member.putArray("tasks"), held.tasks);
            given.put(id, new ConnectorsAndTasks.Builder().with(new ArrayList<>(held.connectors), new ArrayList<>(held.tasks)).build());
        });
        Map<String, Map<String, String>> configs = new HashMap<>();
        connectors.keySet().forEach(name -> configs.put(name, Map.of("name", name)));
        Object decided = DECIDE.invoke(assignor, new ClusterConfigState(1, null, new HashMap<>(connectors), configs, new HashMap<>(), new HashMap<>(),
            new HashMap<>(), new HashMap<>(), new HashMap<>(), new HashSet<>(), new HashSet<>(inconsistent)), completed, generation, given);
        ObjectNode expect = round.putObject("expect");
        expect.put("delay_ms", ((Number) field("delay")).longValue()).put("scheduled_ms", ((Number) field("scheduledRebalance")).longValue());
        ObjectNode assign = expect.putObject("assign");
        boolean received = random.nextInt(8) > 0; // else the round ends before its members hear of it
        for (Object id : (Set<?>) method(decided.getClass(), "allWorkers").invoke(decided)) {
            Held held = members.get(id);
            ObjectNode member = assign.putObject((String) id);
            for (String what : List.of("Revoked", "Assigned")) {
                Collection<?> movedConnectors = (Collection<?>) method(decided.getClass(), "newly" + what + "Connectors", String.class).invoke(decided, id);
                Collection<?> movedTasks = (Collection<?>) method(decided.getClass(), "newly" + what + "Tasks", String.class).invoke(decided, id);
                String name = what.equals("Revoked") ? "revoked" : "new";
                names(member.putArray(name + "_connectors"), movedConnectors);
                names(member.putArray(name + "_tasks"), movedTasks);
                if (held == null || !received) continue;
                if (name.equals("revoked")) {
                    held.connectors.removeAll(movedConnectors);
                    held.tasks.removeAll(movedTasks);
                } else {
                    movedConnectors.forEach(c -> held.connectors.add((String) c));
                    movedTasks.forEach(t -> held.tasks.add((ConnectorTaskId) t));
                }
            }
        }
        if (received) completed = generation;
    }

    static void names(ArrayNode list, Collection<?> of) {
        of.forEach(x -> list.add(x instanceof ConnectorTaskId t ? t.connector() + "-" + t.task() : (String) x));
    }

    Object field(String name) throws ReflectiveOperationException {
        Field f = IncrementalCooperativeAssignor.class.getDeclaredField(name);
        f.setAccessible(true);
        return f.get(assignor);
    }

    static Method method(Class<?> of, String name, Class<?>... parameters) {
        try {
            Method m = of.getDeclaredMethod(name, parameters);
            m.setAccessible(true);
            return m;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e);
        }
    }

    static class Clock implements Time {
        long now = 1000000;

        public long milliseconds() {
            return now;
        }

        public long hiResClockMs() {
            return now;
        }

        public long nanoseconds() {
            return now * 1000000;
        }

        public void sleep(long ms) {
            throw new UnsupportedOperationException();
        }

        public void waitObject(Object o, Supplier<Boolean> condition, long deadline) {
            throw new UnsupportedOperationException();
        }

        public <T> T waitForFuture(CompletableFuture<T> future, long deadline) {
            throw new UnsupportedOperationException();
        }
    }
}
