package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestOnATerminalTheLiveLineIsOverwrittenAndMakesRoom(t *testing.T) {
	var out bytes.Buffer
	screen := &terminal{out: &out, live: true}
	now := time.Now()
	screen.update("in 1/s", now)
	screen.update("in 2/s", now)
	screen.println("sample")
	screen.update("in 3/s", now)
	assert.Equal(t, "\r\x1b[Kin 1/s\r\x1b[Kin 2/s\r\x1b[Ksample\n\r\x1b[Kin 3/s", out.String())
}

func TestWhereThereIsNoTerminalTheCountsAreALineNowAndThen(t *testing.T) {
	var out bytes.Buffer
	screen := newTerminal(&out)
	now := time.Now()
	for second := range 25 {
		screen.update("in 1/s", now.Add(time.Duration(second)*time.Second))
	}
	assert.Equal(t, "in 1/s\nin 1/s\nin 1/s\n", out.String())
}

func TestTheDefaultPortsAreThoseThatEverybodyExpects(t *testing.T) {
	flags := devCommand().Flags()
	for name, port := range map[string]string{"kafka-port": "9092", "mqtt-port": "1883", "rest-port": "8083"} {
		assert.Equal(t, port, flags.Lookup(name).DefValue, name)
	}
}
