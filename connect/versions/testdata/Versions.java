import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.maven.artifact.versioning.DefaultArtifactVersion;
import org.apache.maven.artifact.versioning.VersionRange;

// Prints how Maven compares versions and reads ranges, for vectors.txt: java -cp maven-artifact-3.9.6.jar Versions.java > vectors.txt
public class Versions {
    static final Random RANDOM = new Random(891);
    static final String[] TOKENS = {"0", "1", "2", "10", "007", "99999999999999999999", "a", "b", "m", "alpha", "beta", "rc", "cr", "ga", "final", "release",
        "sp", "snapshot", "x", "Z", "milestone", ".", ".", ".", "-", "-", "_", "+"};
    static final String[] SPECS = {"1", "1.0", "[1]", "[1.0,2.0)", "(1,2]", "(,1]", "[1,)", "(,)", "[,]", "(1)", "[1", "1]", "[1,2],[3,4]", "[1,3],[2,4]",
        "[1,2),(2,3]", "(,1],[2,)", "[1,2] x", "x [1,2]", "[2,1]", "[1,1]", "(1,1)", "[1,1)", "[1.0,1]", "", " 1 ", "1,2", "[1,2,3]", "[]", "()", "[ 1 , 2 ]",
        "latest", "LATEST", "[latest]", "[1,2],", "(,2),[5,)", "[a,b]", ",1", "[[1,2]]", "1.0-SNAPSHOT"};

    static String version() {
        StringBuilder b = new StringBuilder();
        for (int i = 1 + RANDOM.nextInt(6); i > 0; i--) b.append(TOKENS[RANDOM.nextInt(TOKENS.length)]);
        return b.toString();
    }

    public static void main(String[] args) {
        for (int i = 0; i < 1000; i++) {
            String a = version(), b = RANDOM.nextInt(4) == 0 ? a + TOKENS[RANDOM.nextInt(TOKENS.length)] : version();
            int c = new DefaultArtifactVersion(a).compareTo(new DefaultArtifactVersion(b));
            System.out.println("compare\t" + a + "\t" + b + "\t" + Integer.signum(c));
        }
        for (String spec : SPECS) {
            String says, has = "";
            try {
                VersionRange range = VersionRange.createFromVersionSpec(spec.trim());
                if (!range.hasRestrictions()) range = VersionRange.createFromVersionSpec("[" + spec.trim() + "]");
                says = range.toString();
                for (String v : List.of("0.9", "1", "1.0", "1.5", "2", "2.5", "3", "6")) {
                    has += range.containsVersion(new DefaultArtifactVersion(v)) ? "1" : "0";
                }
            } catch (Exception e) {
                says = e.getMessage();
            }
            System.out.println("range\t" + spec + "\t" + says + "\t" + has);
        }
    }
}
