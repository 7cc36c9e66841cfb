package file

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func TestOffsetsAreCheckedWithKafkasRules(t *testing.T) {
	var parts connect.Partitions
	file := parts.Intern(connect.Strings("filename", "in.txt")...)
	cfg := connect.Config{"file": "in.txt", "topic": "lines"}
	for name, c := range map[string]struct {
		cfg    connect.Config
		offset connect.SourceOffset
		want   string
	}{
		"a position":                {cfg, connect.SourceOffset{Partition: file, Offset: connect.At("position", 0)}, ""},
		"anything to be deleted":    {cfg, connect.SourceOffset{Partition: parts.Intern(connect.Strings("odd", "")...)}, ""},
		"nothing's to be deleted":   {cfg, connect.SourceOffset{}, ""},
		"a standard input":          {connect.Config{"topic": "lines"}, connect.SourceOffset{Partition: file}, "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for input and offsets are not tracked."},
		"an offset of another kind": {cfg, connect.SourceOffset{Partition: file, Offset: connect.At("line", 1)}, "Offset objects should either be null or contain the key 'position'"},
		"an empty offset":           {cfg, connect.SourceOffset{Partition: file, Offset: connect.NewOffset()}, "Offset objects should either be null or contain the key 'position'"},
		"a position that is text": {cfg, connect.SourceOffset{Partition: file, Offset: connect.NewOffset(connect.Strings("position", "1")...)},
			"The value for the 'position' key in the offset is expected to be a Long value"},
		"a position that is null": {cfg, connect.SourceOffset{Partition: file, Offset: connect.NewOffset(connect.Attr{Name: "position"})},
			"The value for the 'position' key in the offset is expected to be a Long value"},
		"a position before the file": {cfg, connect.SourceOffset{Partition: file, Offset: connect.At("position", -1)},
			"The value for the 'position' key in the offset should be a non-negative value"},
		"no partition": {cfg, connect.SourceOffset{Offset: connect.At("position", 1)}, "Partition objects cannot be null"},
		"a partition of another kind": {cfg, connect.SourceOffset{Partition: parts.Intern(connect.Strings("file", "in.txt")...), Offset: connect.At("position", 1)},
			"Partition objects should contain the key 'filename'"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Source{}.AlterOffsets(t.Context(), c.cfg, []connect.SourceOffset{c.offset})
			if c.want == "" {
				require.NoError(t, err)
			} else {
				assert.EqualError(t, err, c.want)
			}
		})
	}
	require.NoError(t, Sink{}.AlterOffsets(t.Context(), nil, connect.Offsets{{Topic: "t"}: connect.NoOffset}))
}
