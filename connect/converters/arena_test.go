package converters

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnArenaIsReusedWithoutOverwritingWhatIsStillGood(t *testing.T) {
	var room Arena
	var kept [][]byte
	for i := range 5000 {
		text := strings.Repeat(strconv.Itoa(i%10), i%700)
		kept = append(kept, room.Keep(append(room.Room(), text...)))
	}
	for i, b := range kept {
		require.Equal(t, strings.Repeat(strconv.Itoa(i%10), i%700), string(b))
	}
	room.Reset()
	chunk := &room.chunk[:1][0]
	for range 1000 {
		room.Keep(append(room.Room(), "some bytes"...))
	}
	room.Reset()
	assert.Same(t, chunk, &room.chunk[:1][0])
}

func TestRecordsOfAnArenaShareAllocations(t *testing.T) {
	var room Arena
	text := make([]byte, 1500)
	perRecord := testing.AllocsPerRun(1000, func() { room.Keep(append(room.Room(), text...)) })
	assert.Zero(t, perRecord) // AllocsPerRun rounds down
	for range 100 {
		room.Reset()
		for range 1000 {
			room.Keep(append(room.Room(), text...))
		}
	}
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		room.Reset()
		for range 1000 {
			room.Keep(append(room.Room(), text...))
		}
	}))
}
