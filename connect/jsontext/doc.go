// Package jsontext reads and writes JSON as Jackson does it for Kafka Connect, straight from and to bytes: without a tree and without reflection.
package jsontext
