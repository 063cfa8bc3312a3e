package kernel

// PanelWidth is the number of columns of a panel, the form in which Segment takes a matrix: its rows of
// PanelWidth elements one after the other.
const PanelWidth = panelWidth

// Segment runs one segment of rule AIW-2 for rows × cols chains, cols being at most PanelWidth and k at most SegmentLen:
// chain (i, j) goes over a[i*lda:][:k] and column j of panel, and sets c[i*ldc+j], or is added to it where join says so.
// It is for callers that keep their own panels, as a cache of keys and values does. A caller ends its chains itself.
func (p Path) Segment(c []float32, ldc int, a []float32, lda int, panel []float32, rows, cols, k int, join bool) {
	tall := p.tileRows()
	t := tile{cols: cols, k: k, lda: lda, ldc: ldc, join: join}
	for i := 0; i < rows; i += t.rows {
		t.rows = fit(rows-i, tall)
		p.tile(c[i*ldc:], a[i*lda:], panel, t)
	}
}
