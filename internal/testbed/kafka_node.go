package testbed

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// clusterID is the id every cluster of the testbed is formatted with: 16 bytes in base64, as Kafka wants it.
const clusterID = "c2x1aWNlLXRlc3RiZWQtMQ"

// kafkaNode is one Kafka process, broker and controller in one (KRaft), without a test around it.
type kafkaNode struct {
	id         int
	dir        string
	port       int
	controller int
	sasl       *saslListener
	proxied    *proxiedListener
	lines      []string

	child *child
}

// scram are the mechanisms, beside PLAIN, of listeners with a login.
var scram = []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}

// LoginLife is how long the listener with a login lets a connection live without a new login.
const LoginLife = 2 * time.Second

// saslListener is a second listener, SASL without TLS, that knows one user by name and password, and everybody by an unsigned token.
type saslListener struct {
	port           int
	user, password string
	kerberos       *serviceKey // nil: GSSAPI is not offered
}

// serviceKey is what a service in a Kerberos realm has: the realm's krb5.conf, its own name and its key.
type serviceKey struct{ conf, principal, keytab string }

// flag has a JVM find the realm.
func (k *serviceKey) flag() string { return "-Djava.security.krb5.conf=" + k.conf }

// properties are those of the listener.
func (k *serviceKey) properties() []string {
	return []string{"sasl.kerberos.service.name=kafka", fmt.Sprintf(`listener.name.sasl.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule`+
		` required useKeyTab=true storeKey=true keyTab="%s" principal="%s";`, k.keytab, k.principal)}
}

// proxiedListener is a listener whose advertised address is that of a proxy in front of it.
type proxiedListener struct {
	port  int
	proxy string
}

func newKafkaNode(id int, dir string) (*kafkaNode, error) {
	if strings.Contains(dir, ",") { // of a subtest's name: log.dirs is a list, and what follows would be a folder of the package
		return nil, fmt.Errorf("a Kafka cannot live in %s: name the test without a comma", dir)
	}
	n := &kafkaNode{id: id, dir: dir}
	for _, port := range []*int{&n.port, &n.controller} {
		var err error
		if *port, err = freePort(); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *kafkaNode) addr() string { return loopback(n.port) }

// prepare writes the configuration and formats the storage. voters are all nodes of the cluster, this one included.
func (n *kafkaNode) prepare(ctx context.Context, java, jars string, voters []*kafkaNode) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("creating the directory of Kafka: %w", err)
	}
	config := filepath.Join(n.dir, "server.properties")
	if err := os.WriteFile(config, []byte(n.properties(voters)), 0o600); err != nil {
		return fmt.Errorf("configuring Kafka: %w", err)
	}
	logging, err := writeJavaLogging(n.dir)
	if err != nil {
		return err
	}
	arguments := []string{"format", "-t", clusterID, "-c", config}
	if s := n.sasl; s != nil {
		for _, mechanism := range scram {
			arguments = append(arguments, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, s.user, s.password))
		}
	}
	format := javaCommand(java, jars, logging, "kafka.tools.StorageTool", arguments...)
	cmd := exec.CommandContext(ctx, format.Path, format.Args...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting the storage of Kafka: %w\n%s", err, output)
	}
	command := javaCommand(java, jars, logging, "kafka.Kafka", config)
	if s := n.sasl; s != nil && s.kerberos != nil {
		command.Args = append([]string{s.kerberos.flag()}, command.Args...)
	}
	command.Name = fmt.Sprintf("Kafka node %d", n.id)
	command.Log = filepath.Join(n.dir, "kafka.log")
	command.Ready = n.ready
	n.child = &child{command: command}
	return nil
}

// properties is the server.properties of the node. Everything internal is replicated as far as there are nodes; groups
// form at once, and may use session timeouts from 1 second. A killed node can come back once its session with the
// controller is over, so that is shorter than the 9 seconds of a Kafka in production.
func (n *kafkaNode) properties(voters []*kafkaNode) string {
	replicas := min(3, len(voters))
	quorum := make([]string, len(voters))
	for i, v := range voters {
		quorum[i] = fmt.Sprintf("%d@%s", v.id, loopback(v.controller))
	}
	lines := []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", n.id),
		"controller.quorum.voters=" + strings.Join(quorum, ","),
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=PLAINTEXT",
		"log.dirs=" + filepath.ToSlash(filepath.Join(n.dir, "data")),
		fmt.Sprintf("default.replication.factor=%d", replicas),
		fmt.Sprintf("offsets.topic.replication.factor=%d", replicas),
		fmt.Sprintf("transaction.state.log.replication.factor=%d", replicas),
		fmt.Sprintf("transaction.state.log.min.isr=%d", min(2, replicas)),
		fmt.Sprintf("share.coordinator.state.topic.replication.factor=%d", replicas),
		"share.coordinator.state.topic.min.isr=1",
		"offsets.topic.num.partitions=5",
		"transaction.state.log.num.partitions=5",
		"group.initial.rebalance.delay.ms=0",
		"group.min.session.timeout.ms=1000",
		"broker.session.timeout.ms=5000",
		"broker.heartbeat.interval.ms=1000",
		"log.cleaner.dedupe.buffer.size=4194304",
	}
	lines = append(lines, n.listeners()...)
	lines = append(lines, n.lines...)
	return strings.Join(lines, "\n") + "\n"
}

func (n *kafkaNode) listeners() []string {
	bind := []string{"PLAINTEXT://" + n.addr(), "CONTROLLER://" + loopback(n.controller)}
	advertise := []string{"PLAINTEXT://" + n.addr()}
	protocols := []string{"PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	var extra []string
	if s := n.sasl; s != nil {
		bind = append(bind, "SASL://"+loopback(s.port))
		advertise = append(advertise, "SASL://"+loopback(s.port))
		protocols = append(protocols, "SASL:SASL_PLAINTEXT")
		mechanisms := append([]string{"PLAIN", "OAUTHBEARER"}, scram...)
		if s.kerberos != nil {
			mechanisms = append(mechanisms, "GSSAPI")
			extra = s.kerberos.properties()
		}
		extra = append(extra,
			"listener.name.sasl.sasl.enabled.mechanisms="+strings.Join(mechanisms, ","),
			"connections.max.reauth.ms="+strconv.FormatInt(LoginLife.Milliseconds(), 10),
			`listener.name.sasl.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule`+
				` required unsecuredLoginStringClaim_sub="broker";`,
			fmt.Sprintf(`listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule`+
				` required user_%s="%s";`, s.user, s.password),
		)
		for _, mechanism := range scram {
			extra = append(extra, "listener.name.sasl."+strings.ToLower(mechanism)+
				".sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;")
		}
	}
	if p := n.proxied; p != nil {
		bind = append(bind, "PROXIED://"+loopback(p.port))
		advertise = append(advertise, "PROXIED://"+p.proxy)
		protocols = append(protocols, "PROXIED:PLAINTEXT")
	}
	return append(extra,
		"listeners="+strings.Join(bind, ","),
		"advertised.listeners="+strings.Join(advertise, ","),
		"listener.security.protocol.map="+strings.Join(protocols, ","),
	)
}

// ready is content when the node is part of its cluster and a topic could be made, which is asked without making one.
func (n *kafkaNode) ready(ctx context.Context) error {
	brokers, err := askKafka(ctx, n.addr(), 1)
	if err != nil {
		return err
	}
	for _, b := range brokers {
		if int(b.ID()) == n.id {
			return nil
		}
	}
	return fmt.Errorf("node %d is not yet one of the %d brokers", n.id, len(brokers))
}

// askKafka lists the brokers and makes sure that they would create a topic of so many replicas.
func askKafka(ctx context.Context, addr string, replicas int16) ([]*sarama.Broker, error) {
	// Before anything listens a plain connection attempt is much cheaper than sarama's.
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.Close()

	config := kafkaClientConfig()
	config.Metadata.Retry.Max = 0
	config.Admin.Retry.Max = 0
	config.Net.ReadTimeout = 3 * time.Second
	admin, err := sarama.NewClusterAdmin([]string{addr}, config)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	brokers, _, err := admin.DescribeCluster()
	if err != nil {
		return nil, err
	}
	detail := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: replicas}
	return brokers, admin.CreateTopic("testbed-ready", detail, true)
}

// kafkaClientConfig is what all clients of the testbed start from.
func kafkaClientConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "sluice-testbed"
	config.Version = sarama.V2_8_0_0
	config.ApiVersionsRequest = true
	return config
}
