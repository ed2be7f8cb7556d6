package output

import (
	"io"
	"testing"
)

const benchRows = 100_000

func BenchmarkRows(b *testing.B) {
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"jsonl", Options{Format: JSONL}},
		{"json", Options{Format: JSON}},
		{"jsonl-fields", Options{Format: JSONL, Fields: []string{"uid", "subject", "from", "date", "size"}}},
		{"tsv", Options{}},
		{"tsv-uid", Options{Fields: []string{"uid"}}},
		{"table", Options{TTY: true, Width: 120}},
		{"template", Options{Template: "{{.uid}} {{.subject}}"}},
		{"jq-rows", Options{Format: JSONL, JQ: ".uid"}},
		{"jq-document", Options{JQ: ".[].uid"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := sample(1)
			b.ReportAllocs()
			for b.Loop() {
				p, err := New(b.Context(), io.Discard, c.o, messages)
				if err != nil {
					b.Fatal(err)
				}
				for i := range benchRows {
					m.UID = uint32(i + 1)
					if err := p.Row(m); err != nil {
						b.Fatal(err)
					}
				}
				if err := p.Close(true); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
		})
	}
}
