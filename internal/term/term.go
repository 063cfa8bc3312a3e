package term

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// Printer writes a command's result to Out and what happens meanwhile to Err.
type Printer struct {
	Out, Err io.Writer
	JSON     bool // print one JSON value instead of text
	Live     bool // Err is a terminal: progress may redraw its line
}

// New gives a printer on the process's streams.
func New(asJSON bool) *Printer {
	info, err := os.Stderr.Stat()
	live := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &Printer{Out: os.Stdout, Err: os.Stderr, JSON: asJSON, Live: live}
}

// Result prints v as JSON if that was asked for, else what text writes.
func (p *Printer) Result(v any, text func(w io.Writer)) error {
	if !p.JSON {
		text(p.Out)
		return nil
	}
	enc := json.NewEncoder(p.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Note prints a line about what happens, unless JSON was asked for.
func (p *Printer) Note(format string, args ...any) {
	if !p.JSON {
		fmt.Fprintf(p.Err, format+"\n", args...)
	}
}

// Table writes rows in aligned columns under a header. Columns whose header begins with '>' are aligned
// to the right.
func Table(w io.Writer, header []string, rows [][]string) {
	width := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(strings.TrimPrefix(cell, ">")))
		}
	}
	line := func(row []string, head bool) {
		var b strings.Builder
		for i, cell := range row {
			if head {
				cell = strings.TrimPrefix(cell, ">")
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if strings.HasPrefix(header[i], ">") {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(header, true)
	for _, row := range rows {
		line(row, false)
	}
}

// Pairs writes names and values in two columns.
func Pairs(w io.Writer, pairs ...[2]string) {
	width := 0
	for _, p := range pairs {
		width = max(width, len(p[0]))
	}
	for _, p := range pairs {
		fmt.Fprintf(w, "%-*s  %s\n", width, p[0], p[1])
	}
}
