package p2p

import (
	"context"
	"log/slog"
)

// libraryLog shows what libp2p warns of as debug news: what an operator must act on is reported by
// this package in its own words, while the library calls a closed listener an error.
type libraryLog struct{ to slog.Handler }

// Enabled implements slog.Handler.
func (l libraryLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && l.to.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler.
func (l libraryLog) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return l.to.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l libraryLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return libraryLog{l.to.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (l libraryLog) WithGroup(name string) slog.Handler { return libraryLog{l.to.WithGroup(name)} }
