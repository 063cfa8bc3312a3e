package quant

// Whole gives the whole numbers of all rows that Quantise has made, as they lie in memory. The caller does not change them.
func (a *Activations) Whole() []int8 { return a.q8[:a.Rows*a.K] }

// AppendScales adds what the blocks of all rows stand for to a list.
func (a *Activations) AppendScales(out []float32) []float32 {
	for _, s := range a.scale[:a.Rows*a.K/BlockLen] {
		out = append(out, s.d)
	}
	return out
}
