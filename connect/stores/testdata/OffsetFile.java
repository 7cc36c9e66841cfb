import java.io.*;
import java.util.*;

/** Writes and reads the offset file as Kafka Connect's FileOffsetBackingStore does. */
public class OffsetFile {
    public static void main(String[] args) throws Exception {
        if (args[0].equals("write")) {
            Map<byte[], byte[]> map = new HashMap<>();
            for (int i = 2; i < args.length; i += 2)
                map.put(args[i].getBytes("UTF-8"), args[i + 1].equals("null") ? null : args[i + 1].getBytes("UTF-8"));
            try (ObjectOutputStream out = new ObjectOutputStream(new FileOutputStream(args[1]))) {
                out.writeObject(map);
            }
            return;
        }
        try (ObjectInputStream in = new ObjectInputStream(new FileInputStream(args[1]))) {
            Map<byte[], byte[]> map = (HashMap<byte[], byte[]>) in.readObject();
            List<String> lines = new ArrayList<>();
            for (Map.Entry<byte[], byte[]> e : map.entrySet())
                lines.add(new String(e.getKey(), "UTF-8") + " " + (e.getValue() == null ? "null" : new String(e.getValue(), "UTF-8")));
            Collections.sort(lines);
            PrintStream out = new PrintStream(System.out, true, "UTF-8");
            for (String line : lines) out.println(line);
        }
    }
}
