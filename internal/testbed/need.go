package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// CI tells whether a missing prerequisite fails a test instead of skipping it: the environment variable CI is true.
func CI() bool {
	ci, err := strconv.ParseBool(os.Getenv("CI"))
	return err == nil && ci
}

// Soak tells whether soak tests are to run: the environment variable SLUICE_SOAK is set.
func Soak() bool { return os.Getenv("SLUICE_SOAK") != "" }

// Prerequisite is a program that tests need and that is not part of this repository.
type Prerequisite struct {
	// Name is what a reader calls it.
	Name string
	// AptPackage and BrewFormula hold it, on Debian and on macOS.
	AptPackage, BrewFormula string

	program string
	check   func(path string) error
}

// What tests may need.
var (
	Java = Prerequisite{Name: "Java 17 or newer", AptPackage: "openjdk-17-jre-headless", BrewFormula: "openjdk@17",
		program: "java", check: checkJava}
	Maven           = Prerequisite{Name: "Maven", AptPackage: "maven", BrewFormula: "maven", program: "mvn"}
	MosquittoServer = Prerequisite{Name: "mosquitto", AptPackage: "mosquitto", BrewFormula: "mosquitto",
		program: "mosquitto"}
	MosquittoClients = Prerequisite{Name: "mosquitto_pub and mosquitto_sub", AptPackage: "mosquitto-clients",
		BrewFormula: "mosquitto", program: "mosquitto_pub"}
	// KerberosServer is MIT's. Its administration brings the server itself along.
	KerberosServer = Prerequisite{Name: "MIT Kerberos", AptPackage: "krb5-admin-server", BrewFormula: "krb5", program: "kadmin.local"}
	Python         = Prerequisite{Name: "Python 3 with venv", AptPackage: "python3-venv", BrewFormula: "python3", program: "python3", check: checkPython}
)

// Prerequisites are all there are, those of soak tests where such are to run.
func Prerequisites() []Prerequisite {
	all := []Prerequisite{Java, Maven, MosquittoServer, MosquittoClients, KerberosServer, Python}
	if Soak() {
		all = append(all, QEMU)
	}
	return all
}

// Path is where the program is; an error says why it cannot be used.
func (p Prerequisite) Path() (string, error) {
	path, err := lookPath(p.program)
	if err != nil {
		return "", err
	}
	if p.check != nil {
		if err := p.check(path); err != nil {
			return "", err
		}
	}
	return path, nil
}

// InstallCommand is what a person types to get it.
func (p Prerequisite) InstallCommand() string {
	if runtime.GOOS == "darwin" {
		return "brew install " + p.BrewFormula
	}
	return "apt-get install " + p.AptPackage
}

// Need skips the test when one of the programs is missing, or fails it when CI=true, naming it and how to install it. With -short it skips
// always: quick tests start no processes.
func Need(t testing.TB, prerequisites ...Prerequisite) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs processes, which -short leaves out: run without it")
	}
	need(t, prerequisites)
}

func need(t testing.TB, prerequisites []Prerequisite) {
	t.Helper()
	if what, fix := missing(prerequisites); what != "" {
		giveUp(t, what, fix)
	}
}

// Installed is for programs that are no tests: an error that names what is missing and how to get it.
func Installed(prerequisites ...Prerequisite) error {
	if what, fix := missing(prerequisites); what != "" {
		return fmt.Errorf("needs %s: %s", what, fix)
	}
	return nil
}

// missing names the programs that are not there, and what a person types to get them; both are "" when all are there.
func missing(prerequisites []Prerequisite) (what, fix string) {
	var names, commands []string
	for _, p := range prerequisites {
		if _, err := p.Path(); err != nil {
			names = append(names, fmt.Sprintf("%s (%v)", p.Name, err))
			commands = append(commands, p.InstallCommand())
		}
	}
	return strings.Join(names, ", "), strings.Join(commands, "; ")
}

// giveUp ends a test for want of something outside the repository: skipped, or failed when CI=true.
func giveUp(t testing.TB, what, fix string) {
	t.Helper()
	text := fmt.Sprintf("needs %s: %s", what, fix)
	if CI() {
		t.Fatal(text + " (CI=true: nothing may be skipped)")
	}
	t.Skip(text)
}

// lookPath also looks where servers are installed, which the PATH of an ordinary user may lack.
func lookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/opt/krb5/sbin", "/opt/homebrew/opt/openjdk@17/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", errors.New(program + " is not in PATH")
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// checkJava wants at least the Java that Kafka 4 runs on.
func checkJava(path string) error {
	text, err := exec.Command(path, "-version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("asking java for its version: %w", err)
	}
	return checkJavaVersion(string(text))
}

func checkJavaVersion(text string) error {
	match := javaVersion.FindStringSubmatch(text)
	if match == nil {
		return fmt.Errorf("java tells no version: %q", text)
	}
	// Java 8 and older call themselves 1.x, which is less than 17 too.
	if major, err := strconv.Atoi(match[1]); err != nil || major < 17 {
		return fmt.Errorf("java is version %s", match[1])
	}
	return nil
}

// checkPython wants what makes virtual environments, which Debian ships apart.
func checkPython(path string) error {
	if text, err := exec.Command(path, "-c", "import venv, ensurepip").CombinedOutput(); err != nil {
		return fmt.Errorf("python3 makes no virtual environments: %w\n%s", err, text)
	}
	return nil
}
