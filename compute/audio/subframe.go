package audio

// subframe reads one channel of a frame.
func (d *flacDecoder) subframe(out []int64, depth int) error {
	r := &d.r
	if r.take(1) != 0 {
		return broken("a channel without its mark")
	}
	kind := int(r.take(6))
	wasted := 0
	if r.take(1) == 1 {
		wasted = r.unary() + 1
	}
	if depth -= wasted; depth < 1 {
		return broken("samples of %d bits", depth)
	}
	var err error
	switch {
	case kind == 0:
		v := r.signed(depth)
		for i := range out {
			out[i] = v
		}
	case kind == 1:
		for i := range out {
			out[i] = r.signed(depth)
		}
	case kind >= 8 && kind <= 12:
		err = d.fixed(out, kind-8, depth)
	case kind >= 32:
		err = d.predicted(out, kind-31, depth)
	default:
		err = broken("a channel of kind %d", kind)
	}
	if err == nil && r.over {
		err = broken("cut short")
	}
	for i := range out {
		out[i] <<= wasted
	}
	return err
}

// fixed reads a channel whose samples are predicted by a polynomial.
func (d *flacDecoder) fixed(out []int64, order, depth int) error {
	coefficients := [...][]int64{{}, {1}, {2, -1}, {3, -3, 1}, {4, -6, 4, -1}}
	return d.linear(out, coefficients[order], 0, depth)
}

// predicted reads a channel that brings its own coefficients.
func (d *flacDecoder) predicted(out []int64, order, depth int) error {
	if order > len(out) {
		return broken("a prediction over more samples than there are")
	}
	warm := d.r.at
	d.r.at += order * depth
	precision, shift := int(d.r.take(4))+1, d.r.signed(5)
	if precision > 15 || shift < 0 {
		return broken("coefficients of %d bits, shifted by %d", precision, shift)
	}
	coefficients := make([]int64, order)
	for i := range coefficients {
		coefficients[i] = d.r.signed(precision)
	}
	behind := d.r.at
	d.r.at = warm
	return d.linearFrom(out, coefficients, int(shift), depth, behind)
}

// linear reads the first samples and then the residuals, which it adds to the predictions.
func (d *flacDecoder) linear(out, coefficients []int64, shift, depth int) error {
	return d.linearFrom(out, coefficients, shift, depth, d.r.at+len(coefficients)*depth)
}

// linearFrom is linear with the residuals at another place than behind the first samples.
func (d *flacDecoder) linearFrom(out, coefficients []int64, shift, depth, residuals int) error {
	order := len(coefficients)
	if order > len(out) {
		return broken("a prediction over more samples than there are")
	}
	for i := range order {
		out[i] = d.r.signed(depth)
	}
	d.r.at = residuals
	if err := d.residuals(out, order); err != nil {
		return err
	}
	// A broken file may predict anything; what is beyond 40 bits cannot come back to be a sample.
	const far = 1 << 40
	for i := order; i < len(out); i++ {
		sum := int64(0)
		for j, c := range coefficients {
			sum += c * out[i-1-j]
		}
		if out[i] += sum >> shift; out[i] > far || out[i] < -far {
			return broken("a prediction runs away")
		}
	}
	return nil
}

// residuals reads what predictions were off by, in parts that are coded by their size.
func (d *flacDecoder) residuals(out []int64, order int) error {
	method, parts := d.r.take(2), 1<<d.r.take(4)
	if method > 1 || len(out)%parts != 0 || len(out)/parts < order {
		return broken("residuals of method %d in %d parts", method, parts)
	}
	width, escape := 4+int(method), uint32(15)
	if method == 1 {
		escape = 31
	}
	at := order
	for p := range parts {
		end := (p + 1) * (len(out) / parts)
		k := d.r.take(width)
		if k == escape {
			raw := int(d.r.take(5))
			for ; at < end; at++ {
				out[at] = d.r.signed(raw)
			}
			continue
		}
		for ; at < end && !d.r.over; at++ {
			v := int64(d.r.unary())<<k | int64(d.r.take(int(k)))
			out[at] = v>>1 ^ -(v & 1)
		}
	}
	if d.r.over {
		return broken("cut short")
	}
	return nil
}
