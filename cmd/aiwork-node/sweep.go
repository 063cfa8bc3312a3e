package main

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/aiwork/aiwork-node/internal/whole"
)

// sweepModels removes what crashes have left half written beside models; stores of all kinds lie in that folder.
func sweepModels(models string, log *slog.Logger) {
	for _, dir := range []string{models, filepath.Join(models, packedFolder)} {
		n, err := whole.Sweep(dir, time.Now())
		if err != nil {
			log.Warn("half-written files stay", "folder", dir, "error", err)
		}
		if n > 0 {
			log.Info("half-written files removed", "folder", dir, "files", n)
		}
	}
}
