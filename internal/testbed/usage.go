package testbed

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process uses, as Linux counts it.
type Usage struct {
	// Resident is the memory in RAM now, Peak the most it ever was; in bytes (VmRSS and VmHWM of proc(5)).
	Resident, Peak int64
	// CPU is the time spent by all threads, in user and kernel mode, in steps of 10 ms.
	CPU time.Duration
}

// clockTick is the unit of the times in /proc/<pid>/stat: USER_HZ, 100 on every architecture Go runs on.
const clockTick = 10 * time.Millisecond

func readUsage(pid int) (Usage, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("reading the memory in use: %w", err)
	}
	var usage Usage
	if usage.Resident, err = statusBytes(status, "VmRSS:"); err != nil {
		return Usage{}, err
	}
	if usage.Peak, err = statusBytes(status, "VmHWM:"); err != nil {
		return Usage{}, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("reading the CPU time: %w", err)
	}
	usage.CPU, err = cpuTime(string(stat))
	return usage, err
}

// statusBytes finds a line like "VmRSS:     1234 kB".
func statusBytes(status []byte, key string) (int64, error) {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		rest, found := strings.CutPrefix(lines.Text(), key)
		if !found {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the memory in use: %s %w", key, err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("reading the memory in use: no %s, the process has ended", key)
}

// cpuTime adds utime and stime, fields 14 and 15. Field 2, the name, may hold spaces, so counting begins behind its
// closing parenthesis, at field 3.
func cpuTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading the CPU time: unexpected %q", stat)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}
