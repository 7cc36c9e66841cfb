package converters

import "unsafe"

// bytesOf returns the bytes of s without copying them, never nil; whoever gets them must not write to them.
func bytesOf(s string) []byte {
	if s == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}
