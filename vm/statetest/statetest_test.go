package statetest

// What is tested: every case of the published archive of state tests must pass, with the programs run as the
// machine sees fit and with all of them translated first.

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// archiveCases is the number of cases in the archive; shortStep is which share of its files a short run takes.
const (
	archiveCases = 23_671
	shortStep    = 25
)

func TestOfficialStateTests(t *testing.T) {
	t.Run("translated=some", func(t *testing.T) { official(t, false) })
	t.Run("translated=all", func(t *testing.T) { official(t, true) })
}

func official(t *testing.T, all bool) {
	files := make(chan []byte, 4)
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed, failed, skipped := 0, 0, 0
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			r := NewRunner()
			if all {
				r.TranslateAll()
			}
			for file := range files {
				err := r.Run(file, func(res Result) {
					mu.Lock()
					defer mu.Unlock()
					switch {
					case res.Skipped != "":
						skipped++
					case res.Err != nil:
						if failed++; failed <= failuresShownMax {
							t.Errorf("%s %s %d: %v", res.Name, res.Fork, res.Index, res.Err)
						}
					default:
						passed++
					}
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	step := 1
	if testing.Short() {
		step = shortStep
	}
	readArchive(t, files, step)
	wg.Wait()
	t.Logf("%d passed, %d failed, %d skipped", passed, failed, skipped)
	if failed > 0 || skipped > 0 || passed == 0 || !testing.Short() && passed != archiveCases {
		t.Errorf("got %d passed, %d failed, %d skipped; want %d passed", passed, failed, skipped, archiveCases)
	}
}

const failuresShownMax = 50

// readArchive sends every step-th file of the archive and closes the channel.
func readArchive(t *testing.T, files chan<- []byte, step int) {
	defer close(files)
	f, err := os.Open(testutil.Shared(t, "data", "evm", "eest-v5.4.0-state-tests.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for i, tr := 0, tar.NewReader(z); ; i++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(h.Name, ".json") || i%step != 0 {
			continue
		}
		file, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files <- file
	}
}
