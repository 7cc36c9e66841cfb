package mqtt

import "time"

// seconds and millis read a number key as a duration.
func seconds(n int) time.Duration  { return time.Duration(n) * time.Second }
func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
