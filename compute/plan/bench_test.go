package plan

import (
	"context"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
)

// What a run costs, with the process's own time beside the clock's, since machines are shared.
func BenchmarkRun(b *testing.B) {
	for _, c := range contests(b) {
		b.Run("model="+c.name, func(b *testing.B) {
			m, err := onnx.DecodeModel(c.file)
			if err != nil {
				b.Fatal(err)
			}
			p, err := program.Compile(m)
			if err != nil {
				b.Fatal(err)
			}
			r := newRunner(b, p, Default())
			run := func() {
				if _, err := r.Run(context.Background(), c.inputs, program.DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
			run()
			before := processTime(b)
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(processTime(b)-before)/1e6/float64(b.N), "cpu-ms/op")
		})
	}
}
