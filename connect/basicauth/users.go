// Package basicauth knows who may use REST, configured as Kafka Connect's PropertyFileLoginModule is: a JAAS file whose entry KafkaConnect names files of
// users and passwords.
package basicauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/magiconair/properties"

	"github.com/sluice-connect/sluice/connect/jaas"
	"github.com/sluice-connect/sluice/connect/reread"
)

const (
	entry  = "KafkaConnect"
	module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"
)

// Key is the worker's key with the path of the JAAS file.
const Key = "sluice.rest.jaas.file"

// FileOf is the path of the JAAS file: the configured one or, where there is none, that of -Djava.security.auth.login.config in KAFKA_OPTS, where Kafka
// Connect's start scripts look for it. environ has the form of os.Environ.
func FileOf(configured string, environ []string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	const option = "-Djava.security.auth.login.config="
	for _, variable := range environ {
		options, ok := strings.CutPrefix(variable, "KAFKA_OPTS=")
		if !ok {
			continue
		}
		for _, o := range strings.Fields(options) {
			if path, ok := strings.CutPrefix(o, option); ok {
				return javaPath(strings.TrimPrefix(strings.Trim(path, `"'`), "=")), nil // two signs: this file and no other
			}
		}
	}
	return "", fmt.Errorf("%s is missing: it names the JAAS file whose entry %s says where users and passwords are; %s... in KAFKA_OPTS does so, too", Key, entry, option)
}

// javaPath takes an address of a file for its path.
func javaPath(path string) string {
	if u, err := url.Parse(path); err == nil && u.Scheme == "file" {
		return u.Path
	}
	return path
}

// Users are those of all files that the JAAS file names: one that any of them knows may log in, as in Java, where a login module that does not know a user
// is ignored. It is safe for concurrent use.
type Users struct {
	files []*reread.Value[credentials]
}

// credentials are sums of passwords by user.
type credentials map[string][sha256.Size]byte

// Open reads the JAAS file, once, and the files that it names, which are read again when they change: log is told of that. A file without users is an
// error, or keeps those before: in Java it lets everybody in.
func Open(path string, log *slog.Logger) (*Users, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: reading the JAAS file: %w", Key, err)
	}
	entries, err := jaas.ParseFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", Key, path, err)
	}
	logins := entries[entry]
	if len(logins) == 0 {
		return nil, fmt.Errorf(`%s: %s: there is no entry %s { %s required file="..."; };`, Key, path, entry, module)
	}
	u := new(Users)
	for _, login := range logins {
		if login.Class != module {
			return nil, fmt.Errorf("%s: %s: the login module %s is not here: use %s", Key, path, login.Class, module)
		}
		file := login.Options["file"]
		if strings.TrimSpace(file) == "" {
			return nil, fmt.Errorf("%s: %s: the option file of the login module is missing", Key, path)
		}
		known, err := reread.Of(func() (credentials, error) { return read(file) }, func(err error) {
			if err != nil {
				log.Error("changed users cannot be read: those before stay", "file", file, "error", err)
				return
			}
			log.Info("users have changed and may log in", "file", file)
		}, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", Key, path, err)
		}
		u.files = append(u.files, known)
	}
	return u, nil
}

// read reads user=password lines, in the format of java.util.Properties.
func read(file string) (credentials, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading users: %w", err)
	}
	loader := properties.Loader{Encoding: properties.ISO_8859_1, DisableExpansion: true}
	parsed, err := loader.LoadBytes(data)
	if err != nil {
		return nil, fmt.Errorf("reading users: %s is not a properties file", file) // the cause quotes from it
	}
	known := credentials{}
	for user, password := range parsed.Map() {
		known[user] = sha256.Sum256([]byte(password))
	}
	if len(known) == 0 {
		return nil, errors.New("reading users: there is none in " + file + ": write user=password lines")
	}
	return known, nil
}

// Permits reports whether the password is the user's. It takes as long for users that nobody knows as for those that are known.
func (u *Users) Permits(user, password string) bool {
	sum := sha256.Sum256([]byte(password))
	permitted := 0
	for _, file := range u.files {
		its, known := file.Current()[user]
		same := subtle.ConstantTimeCompare(sum[:], its[:])
		if !known || user == "" {
			same = 0
		}
		permitted |= same
	}
	return permitted == 1
}

// Names are the users known at present, sorted.
func (u *Users) Names() []string {
	all := map[string]bool{}
	for _, file := range u.files {
		for name := range file.Current() {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
