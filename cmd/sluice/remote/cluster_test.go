package remote

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sluice-connect/sluice/connect/herder"
)

func TestAClusterIsShownOnOnePage(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	due := now.Add(4 * time.Minute)
	info := &herder.ClusterInfo{
		Source: "leader", Leader: "http://a:8083/", Generation: 7, Protocol: "sessioned", ConfigOffset: 42, At: now.Add(-3 * time.Second), Took: "12ms",
		Left: []string{"http://c:8083/"}, Moved: 2, Waiting: []string{"y", "y-0"}, Scheduled: &due,
		Members: []herder.ClusterMember{
			{URL: "http://a:8083/", Connectors: []string{"x"}, Tasks: []string{"x-0", "x-1", "x-2", "x-3", "x-4", "x-5"}},
			{URL: "http://b:8083/"},
		},
		Disagreements: []herder.Disagreement{
			{Key: "offset.storage.topic", Worker: "http://b:8083/", Value: "mine", Elder: "http://a:8083/", ElderValue: "offsets"},
		},
	}
	var page strings.Builder
	writeCluster(newScreen(&page), info, now, false)
	assert.Equal(t, `leader      http://a:8083/, sessioned, generation 7, configuration read to offset 42
rebalanced  3s ago, in 12ms, left: http://c:8083/, 2 moved
waiting     2 run nowhere, for another 4m0s, in case that their worker comes back (scheduled.rebalance.max.delay.ms): y y-0
disagree    http://b:8083/ has offset.storage.topic=mine, http://a:8083/ has offsets: give them the same, or another group.id

WORKER          CONNECTORS  TASKS  WHAT
http://a:8083/  1           6      x x-0 x-1 x-2 x-3 x-4 and 1 more
http://b:8083/  0           0
`, page.String())

	page.Reset()
	writeCluster(newScreen(&page), info, now, true)
	assert.Contains(t, page.String(), "x x-0 x-1 x-2 x-3 x-4 x-5\n")
}

func TestAJavaClusterIsShownAsFarAsItTells(t *testing.T) {
	var page strings.Builder
	writeCluster(newScreen(&page), &herder.ClusterInfo{Source: "statuses", Members: []herder.ClusterMember{{URL: "a:8083", Connectors: []string{"x"}}}}, time.Now(), false)
	assert.Contains(t, page.String(), "As statuses tell")
	assert.NotContains(t, page.String(), "generation")
	assert.Contains(t, page.String(), "a:8083  1           0      x\n")
}
