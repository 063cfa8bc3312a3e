package pool

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/photos"
)

// The benchmark starts this very test binary as the children.
const childEnv = "AIWORK_POOL_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	files, err := builtin.Models()
	if err == nil {
		err = engine.Serve(context.Background(), os.Stdin, os.Stdout, engine.Library{Models: model.Library{Files: files}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func BenchmarkPool(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	input, _, err := image.ToCanonicalPNG(photos.All()[1].JPEG)
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv(childEnv, "1")
	for _, engines := range []int{1, 2} {
		b.Run(fmt.Sprintf("engines=%d", engines), func(b *testing.B) {
			p, err := New(b.Context(), Options{Engines: engines, Start: func(ctx context.Context, _ int) (Engine, error) {
				return engine.Start(ctx, engine.Options{Exe: exe, ThreadsMax: 1})
			}})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			for b.Loop() {
				var batch sync.WaitGroup
				for range 8 {
					batch.Go(func() {
						if _, err := p.Run(b.Context(), builtin.ContentSafetyHash(), input); err != nil {
							b.Error(err)
						}
					})
				}
				batch.Wait()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(8*b.N), "ms/image")
		})
	}
}
