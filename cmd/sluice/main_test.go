package main

import (
	"testing"

	"github.com/sluice-connect/sluice/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }
