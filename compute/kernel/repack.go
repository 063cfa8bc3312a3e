package kernel

// Repack lays out b[k][n] in the memory of p, if that is enough, and gives what Pack would. What was in p
// before is gone.
func (p *Panels) Repack(b []float32, k, n int) *Panels {
	need := PackedLen(k, n)
	if p == nil || cap(p.data) < need {
		return Pack(b, k, n)
	}
	p.K, p.N, p.data = k, n, p.data[:need]
	for first := 0; first < n; first += panelWidth {
		panel := p.data[first*k:]
		wide := min(panelWidth, n-first)
		for l := range k {
			line := panel[l*panelWidth:][:panelWidth]
			copy(line, b[l*n+first:][:wide])
			clear(line[wide:])
		}
	}
	return p
}
