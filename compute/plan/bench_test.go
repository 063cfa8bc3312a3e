package plan

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/program"
)

func BenchmarkRealModels(b *testing.B) {
	for _, name := range []string{detection, recognition, direction, voice} {
		b.Run("model="+strings.TrimSuffix(filepath.Base(name), ".onnx"), func(b *testing.B) {
			p := realProgram(b, name)
			r := newRunner(b, p, Default())
			in := realInputs(name, false)
			for b.Loop() {
				if _, err := r.Run(context.Background(), in, program.DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
