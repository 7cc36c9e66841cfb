// Package embedded runs a Kafka broker and an MQTT broker inside the process, for `sluice dev` and for tests that must be
// quick: no Java, no container, nothing to install.
//
// Both are made for one machine and one user. They authenticate nobody, so they belong on a loopback address. They are
// other people's brokers (franz-go's kfake, mochi-mqtt) with their known traps fenced in here; what a real cluster does
// under load, in failover or over years is proved against a real one, never against these.
package embedded
