package main

import "testing"

func BenchmarkConversions(b *testing.B) {
	for _, c := range conversions() {
		b.Run(c.name, func(b *testing.B) {
			once, err := c.open()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
