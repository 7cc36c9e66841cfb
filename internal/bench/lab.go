package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// lab is what all arms share: the servers, the load, the programs.
type lab struct {
	dir       string
	java      string // programs by their paths: a server's directory may be in nobody's PATH
	server    string
	clients   string // the directory of mosquitto_pub and mosquitto_sub
	records   int
	file      string
	plugins   string // the folder with this program as a plugin
	kafka     *testbed.RunningKafka
	mqtt      string
	mosquitto *exec.Cmd
	sluice    string
	client    sarama.Client

	headersMade bool
}

const (
	loadTopic      = "bench-load"
	headerTopic    = "bench-load-headers" // the same, with headers
	receiveMaximum = 10_000
)

// openLab finds what is needed. Conversions need no more than that.
func openLab(records int) (*lab, error) {
	l := &lab{records: records}
	if err := l.findPrograms(); err != nil {
		return nil, err
	}
	var err error
	if l.dir, err = os.MkdirTemp("", "sluice-bench-"); err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	return l, nil
}

// serve starts the servers and makes the load.
func (l *lab) serve(ctx context.Context) (err error) {
	if l.sluice, err = testbed.BuildSluice(ctx, l.dir); err != nil {
		return err
	}
	if l.kafka, err = testbed.RunKafka(ctx, filepath.Join(l.dir, "kafka")); err != nil {
		return err
	}
	if err := l.startMosquitto(ctx); err != nil {
		return err
	}
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	if l.client, err = sarama.NewClient([]string{l.kafka.Addr}, config); err != nil {
		return fmt.Errorf("connecting to Kafka: %w", err)
	}
	for _, size := range sizes {
		line := append(bytes.Repeat([]byte("x"), size-1), '\n')
		if err := os.WriteFile(l.fileOf(size), bytes.Repeat(line, l.records), 0o600); err != nil {
			return fmt.Errorf("writing the load: %w", err)
		}
	}
	l.file = l.fileOf(record)
	if err := l.installPlugin(ctx); err != nil {
		return err
	}
	return l.fillTopic(ctx)
}

// fileOf is the load in records of a size.
func (l *lab) fileOf(size int) string { return filepath.Join(l.dir, fmt.Sprintf("load-%d.txt", size)) }

// findPrograms looks for what is not part of this repository.
func (l *lab) findPrograms() error {
	if err := testbed.Installed(testbed.Java, testbed.MosquittoServer, testbed.MosquittoClients); err != nil {
		return err
	}
	var publisher string
	for path, program := range map[*string]testbed.Prerequisite{
		&l.java: testbed.Java, &l.server: testbed.MosquittoServer, &publisher: testbed.MosquittoClients,
	} {
		var err error
		if *path, err = program.Path(); err != nil {
			return err
		}
	}
	l.clients = filepath.Dir(publisher)
	return nil
}

func (l *lab) close() {
	if l.client != nil {
		_ = l.client.Close() // nothing is buffered
	}
	if l.mosquitto != nil {
		_ = l.mosquitto.Process.Kill()
		_ = l.mosquitto.Wait()
	}
	if l.kafka != nil {
		_ = l.kafka.Stop()
	}
	_ = os.RemoveAll(l.dir)
}

func (l *lab) startMosquitto(ctx context.Context) error {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("finding a free port: %w", err)
	}
	l.mqtt = probe.Addr().String()
	_ = probe.Close() // its port is what was wanted
	_, port, _ := net.SplitHostPort(l.mqtt)
	conf := filepath.Join(l.dir, "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 10000\n" +
		"queue_qos0_messages true\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return fmt.Errorf("configuring mosquitto: %w", err)
	}
	l.mosquitto = exec.Command(l.server, "-c", conf)
	if err := l.mosquitto.Start(); err != nil {
		return fmt.Errorf("starting mosquitto: %w", err)
	}
	return await(ctx, 10*time.Second, "mosquitto listens", func() (bool, error) {
		c, err := net.Dial("tcp", l.mqtt)
		if err == nil {
			_ = c.Close() // it was only to see whether somebody answers
		}
		return err == nil, nil
	})
}

// createTopic makes a topic of one partition, so that order is total.
func (l *lab) createTopic(name string) error {
	admin, err := sarama.NewClusterAdminFromClient(l.client)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", name, err)
	}
	if err := admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	return await(context.Background(), 30*time.Second, "topic "+name+" has a leader", func() (bool, error) {
		_, err := l.end(name)
		return err == nil, nil
	})
}

// end is how many records a topic has.
func (l *lab) end(topic string) (int64, error) {
	return l.client.GetOffset(topic, 0, sarama.OffsetNewest)
}

func (l *lab) fillTopic(ctx context.Context) error {
	if err := l.createTopic(loadTopic); err != nil {
		return err
	}
	_, err := l.process(ctx, loadTopic, l.self("file", loadTopic), flow{})
	return err
}

// fillHeaderTopic makes the load for a sink that maps headers, once: those that the MQTT source makes, and two of a device's own.
func (l *lab) fillHeaderTopic(string) error {
	if l.headersMade {
		return nil
	}
	l.headersMade = true
	if err := l.createTopic(headerTopic); err != nil {
		return err
	}
	config := sarama.NewConfig()
	config.Producer.Return.Errors = true
	producer, err := sarama.NewAsyncProducer([]string{l.kafka.Addr}, config)
	if err != nil {
		return fmt.Errorf("opening a producer: %w", err)
	}
	var headers []sarama.RecordHeader
	for _, h := range [][2]string{
		{"mqtt.topic", "plant/7/temperature"}, {"mqtt.message.id", "4711"}, {"mqtt.qos", "1"}, {"mqtt.retained", "false"}, {"mqtt.duplicate", "false"},
		{"mqtt.content.type", "application/json"}, {"unit", "celsius"}, {"firmware", "v2"},
	} {
		headers = append(headers, sarama.RecordHeader{Key: []byte(h[0]), Value: []byte(h[1])})
	}
	value := sarama.ByteEncoder(l.line()[:record-1])
	for range l.records {
		select {
		case producer.Input() <- &sarama.ProducerMessage{Topic: headerTopic, Value: value, Headers: headers}:
		case err := <-producer.Errors():
			return fmt.Errorf("making the load: %w", err)
		}
	}
	if err := producer.Close(); err != nil {
		return fmt.Errorf("making the load: %w", err)
	}
	return nil
}

// makeSession makes a session that belongs to the run, so that nothing is lost before its arm is there.
func (l *lab) makeSession(run string, qos int) error {
	host, port, _ := net.SplitHostPort(l.mqtt)
	session := exec.Command(filepath.Join(l.clients, "mosquitto_sub"), "-h", host, "-p", port, "-V", "mqttv5", "-c", "-x", "3600", "-E", "-q", strconv.Itoa(qos), "-i", run+"-0", "-t", run+"/#")
	if out, err := session.CombinedOutput(); err != nil {
		return fmt.Errorf("making a session: %w: %s", err, out)
	}
	return nil
}

// publishAhead is how many messages may wait in mosquitto: version 2.0 loses count of a client's queue at 65 536.
const publishAhead = 30_000

// publish sends the load as fast as the broker takes it, but never far ahead of what has arrived.
func (l *lab) publish(ctx context.Context, run string, qos int, arrived func() (int64, error)) error {
	host, port, _ := net.SplitHostPort(l.mqtt)
	publish := exec.CommandContext(ctx, filepath.Join(l.clients, "mosquitto_pub"), "-h", host, "-p", port, "-q", strconv.Itoa(qos), "-l", "-t", run+"/device")
	lines, err := publish.StdinPipe()
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	if err := publish.Start(); err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	const chunk = 5000
	load := bytes.Repeat(l.line(), chunk)
	for sent := 0; sent < l.records; sent += chunk {
		err := await(ctx, armTimeout, "what was published has arrived", func() (bool, error) {
			n, err := arrived()
			return sent-int(n) < publishAhead, err
		})
		if err != nil {
			return err
		}
		if rest := l.records - sent; rest < chunk {
			load = load[:rest*record]
		}
		if _, err := lines.Write(load); err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
	}
	_ = lines.Close() // its end is what mosquitto_pub waits for
	return publish.Wait()
}

// line is one record of the load.
func (l *lab) line() []byte { return append(bytes.Repeat([]byte("x"), record-1), '\n') }

// self is a thin loop as a command: this program again.
func (l *lab) self(loop, topic string) *exec.Cmd {
	return exec.Command(os.Args[0], "thin", loop, l.kafka.Addr, l.mqtt, l.file, topic, strconv.Itoa(l.records))
}

// await asks until the answer is yes.
func await(ctx context.Context, within time.Duration, what string, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		}
	}
}
