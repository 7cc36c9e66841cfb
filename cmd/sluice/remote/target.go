package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/cmd/sluice/contexts"
	"github.com/sluice-connect/sluice/connect/certstore"
)

// defaultServer is where a worker listens unless it is told otherwise.
const defaultServer = "http://127.0.0.1:8083"

// target is what the command line says of the cluster to talk to.
type target struct {
	context string
	given   contexts.Context
}

// register adds the flags to a command and those below it. Where nothing is said here, the environment is asked, and then the contexts file.
func (t *target) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&t.context, "context", "", "a context, as sluice context names them (environment: SLUICE_CONTEXT)")
	t.registerPlaces(cmd)
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts) // it fails only where there is no such flag
}

// registerPlaces adds the flags that a context can keep.
func (t *target) registerPlaces(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&t.given.Server, "server", "", "a worker's REST API (environment: SLUICE_SERVER; else "+defaultServer+")")
	flags.StringVar(&t.given.User, "user", "", "user name (environment: SLUICE_USER); its password comes from SLUICE_PASSWORD, --password-file or a question")
	flags.StringVar(&t.given.PasswordFile, "password-file", "", "file with the password")
	flags.StringVar(&t.given.CAFile, "ca-file", "", "PEM file of the authorities to trust, for https")
	flags.StringVar(&t.given.CertFile, "cert-file", "", "PEM file of the own certificate, for https")
	flags.StringVar(&t.given.KeyFile, "key-file", "", "PEM file of its key (the environment's SLUICE_KEY_PASSWORD opens it)")
	for _, name := range []string{"password-file", "ca-file", "cert-file", "key-file"} {
		_ = cmd.MarkPersistentFlagFilename(name) // it fails only where there is no such flag
	}
}

// registerKafka adds the flags of commands that talk to Kafka, too.
func (t *target) registerKafka(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&t.given.BootstrapServers, "bootstrap-servers", "", "Kafka's brokers, host:port,...")
	flags.StringVar(&t.given.KafkaConfig, "kafka-config", "", "properties file with the keys of a Java client: security.protocol, sasl.jaas.config, ...")
	_ = cmd.MarkPersistentFlagFilename("kafka-config", "properties") // it fails only where there is no such flag
}

// resolve says what cluster is meant: that of the flags, of the environment, or of the contexts file. A context's login is for the context's server: with
// --server nothing of a context counts unless --context names it.
func (t *target) resolve() (contexts.Context, error) {
	name := t.context
	if name == "" && t.given.Server == "" {
		name = os.Getenv("SLUICE_CONTEXT")
	}
	server := t.given.Server
	if name == "" && server == "" {
		server = os.Getenv("SLUICE_SERVER")
	}
	var c contexts.Context
	if name != "" || server == "" {
		path, err := contexts.Path()
		if err != nil {
			return c, err
		}
		file, err := contexts.Load(path)
		if err != nil {
			return c, err
		}
		if name = cmp.Or(name, file.Current); name != "" {
			if c, err = file.Context(name); err != nil {
				return c, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	c.Server = cmp.Or(server, c.Server, defaultServer)
	c.User = cmp.Or(t.given.User, os.Getenv("SLUICE_USER"), c.User)
	c.PasswordFile = cmp.Or(t.given.PasswordFile, c.PasswordFile)
	c.CAFile = cmp.Or(t.given.CAFile, c.CAFile)
	c.CertFile = cmp.Or(t.given.CertFile, c.CertFile)
	c.KeyFile = cmp.Or(t.given.KeyFile, c.KeyFile)
	c.BootstrapServers = cmp.Or(t.given.BootstrapServers, c.BootstrapServers)
	c.KafkaConfig = cmp.Or(t.given.KafkaConfig, c.KafkaConfig)
	return c, nil
}

// asker asks for the password of a user; nil asks nobody.
type asker func(ctx context.Context, user string) (string, error)

// client is that of the worker meant.
func (t *target) client(ctx context.Context, ask asker) (*client.Client, error) {
	c, err := t.resolve()
	if err != nil {
		return nil, err
	}
	o := client.Options{User: c.User, Agent: "sluice"}
	if strings.Contains(c.User, ":") {
		return nil, errors.New("--user: a user name has no colon: a password has no place on a command line, put it into SLUICE_PASSWORD or a file for --password-file")
	}
	if o.Password, err = password(ctx, c, ask); err != nil {
		return nil, err
	}
	if strings.HasPrefix(c.Server, "https:") {
		file := func(flag, path string) certstore.Store {
			return certstore.Store{Location: certstore.Setting{Key: flag, Value: path}}
		}
		if o.TLS, err = (certstore.Config{
			TrustStore: file("--ca-file", c.CAFile), KeyStore: file("--cert-file", c.CertFile), Key: file("--key-file", c.KeyFile),
			KeyPassword: certstore.Setting{Key: "SLUICE_KEY_PASSWORD", Value: os.Getenv("SLUICE_KEY_PASSWORD")},
		}).Client(); err != nil {
			return nil, err
		}
	}
	asked, err := client.New(c.Server, o)
	if err != nil {
		return nil, fmt.Errorf("--server: %w", err)
	}
	return asked, nil
}

func password(ctx context.Context, c contexts.Context, ask asker) (string, error) {
	if c.User == "" {
		return "", nil
	}
	if secret, given := os.LookupEnv("SLUICE_PASSWORD"); given {
		return secret, nil
	}
	if c.PasswordFile != "" {
		data, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	if ask == nil {
		return "", errors.New("the password is missing")
	}
	return ask(ctx, c.User)
}

// askTerminal asks whoever sits at the terminal, without showing what is typed. Standard input may be something else: a manifest.
func askTerminal(ctx context.Context, user string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("the password of %s is missing: set SLUICE_PASSWORD, or name a file with --password-file", user)
	}
	defer func() { _ = tty.Close() }() // nothing is buffered
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("asking for the password: %w", err)
	}
	fmt.Fprintf(tty, "password of %s: ", user)
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // ends with the program where nobody types
		text, err := term.ReadPassword(fd)
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		fmt.Fprintln(tty)
		return string(a.text), a.err
	case <-ctx.Done():
		fmt.Fprintln(tty)
		return "", errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}

// exposed reports whether a login goes over the network for everybody to read.
func exposed(c contexts.Context) bool {
	u, err := url.Parse(c.Server)
	if err != nil || c.User == "" || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}
