package tfjs

// A layers-model: Keras's list of layers, each of which names those that it reads.

// layers builds a model of class Model or Functional, whose layers name their inputs, or Sequential.
func (b *builder) layers(model *value) {
	list := model.get("config", "layers")
	if list.kind != kindList { // the first versions
		list = model.get("config")
	}
	sequential := model.get("class_name").text == "Sequential"
	made := map[string]wire{}
	last, read := wire{}, map[string]bool{}
	for i, layer := range list.list {
		name := layer.get("config", "name").text
		if _, twice := made[name]; twice || name == "" {
			b.fail("layer %d has no name, or that of another one: %q", i, name)
			return
		}
		var inputs []wire
		switch {
		case !sequential:
			inputs = b.inbound(layer, made, read)
		case i > 0:
			inputs = []wire{last}
		case layer.get("class_name").text != "InputLayer":
			inputs = []wire{b.inputLayer(layer)}
		}
		last = b.layer(layer, inputs)
		made[name] = last
		if b.err != nil {
			b.err = errorAt(name, b.err)
			return
		}
	}
	if sequential {
		b.output(last)
		return
	}
	for _, layer := range list.list { // what nobody reads goes out
		if name := layer.get("config", "name").text; !read[name] {
			b.output(made[name])
		}
	}
	if len(b.graph.Outputs) == 0 {
		b.fail("no layer is an output")
	}
}

// inbound gives what a layer reads; a layer that is used several times over is not known.
func (b *builder) inbound(layer *value, made map[string]wire, read map[string]bool) []wire {
	nodes := layer.get("inbound_nodes").list
	if len(nodes) > 1 {
		b.fail("a layer that is used twice")
		return nil
	}
	var inputs []wire
	for _, node := range nodes {
		for _, from := range node.list {
			if len(from.list) == 0 {
				b.fail("an input without a name")
				return nil
			}
			name := from.list[0].text
			w, ok := made[name]
			if !ok {
				b.fail("reads layer %q, which does not come before", name)
				return nil
			}
			read[name] = true
			inputs = append(inputs, w)
		}
	}
	return inputs
}

func (b *builder) inputLayer(layer *value) wire {
	shape := layer.get("config", "batch_input_shape").list
	if len(shape) != 4 {
		return b.fail("input of %d dimensions, want pictures", len(shape))
	}
	var sides [3]int
	for i := range sides {
		sides[i], _ = shape[1+i].whole()
	}
	return b.input(layer.get("config", "name").text, sides[0], sides[1], sides[2])
}

// layer appends what one layer computes.
func (b *builder) layer(layer *value, inputs []wire) wire {
	class, c := layer.get("class_name").text, layer.get("config")
	if class == "InputLayer" {
		return b.inputLayer(layer)
	}
	if len(inputs) == 0 {
		return b.fail("%s without an input", class)
	}
	switch class {
	case "Add":
		sum := inputs[0]
		for _, other := range inputs[1:] {
			sum = b.both("Add", sum, other)
		}
		return sum
	case "Concatenate":
		if axis, ok := c.get("axis").whole(); !ok || axis != -1 && axis != len(inputs[0].shape)-1 {
			return b.fail("Concatenate along axis %d", axis)
		}
		return b.concat(inputs...)
	}
	if len(inputs) > 1 {
		return b.fail("%s of %d inputs", class, len(inputs))
	}
	return b.oneInput(class, c, inputs[0])
}

// oneInput appends a layer that reads one value.
func (b *builder) oneInput(class string, c *value, x wire) wire {
	name := c.get("name").text
	switch class {
	case "Dropout":
		return x
	case "Flatten":
		return b.flatten(x)
	case "Activation":
		return b.activate(x, c.get("activation").text)
	case "ReLU":
		return b.relu(c, x)
	case "ZeroPadding2D":
		return b.zeroPadding(c, x)
	case "GlobalAveragePooling2D":
		return b.globalPool(x)
	case "MaxPooling2D":
		return b.pool("MaxPool", x, b.window(c, "pool_size"))
	case "AveragePooling2D":
		return b.pool("AveragePool", x, b.window(c, "pool_size"))
	case "Conv2D":
		y := b.conv(x, name+"/kernel", biasOf(c, name), b.window(c, "kernel_size"))
		return b.activate(y, c.get("activation").text)
	case "DepthwiseConv2D":
		y := b.depthwise(x, name+"/depthwise_kernel", biasOf(c, name), b.window(c, "kernel_size"))
		return b.activate(y, c.get("activation").text)
	case "Dense":
		return b.activate(b.dense(x, name+"/kernel", biasOf(c, name)), c.get("activation").text)
	case "BatchNormalization":
		return b.normLayer(c, x)
	}
	return b.fail("layer %s", class)
}

func biasOf(c *value, name string) string {
	if use := c.get("use_bias"); use.kind == kindBool && !use.truth {
		return ""
	}
	return name + "/bias"
}

// window reads the options of a layer that slides.
func (b *builder) window(c *value, kernel string) window {
	var w window
	if format := c.get("data_format").text; format != "" && format != "channels_last" {
		b.fail("data format %q", format)
	}
	for _, o := range []struct {
		field string
		to    *[2]int
	}{{kernel, &w.kernel}, {"strides", &w.stride}, {"dilation_rate", &w.dilation}} {
		if c.get(o.field).kind == kindNull {
			continue
		}
		pair, ok := c.get(o.field).wholes()
		if !ok || len(pair) != 2 || min(pair[0], pair[1]) < 1 {
			b.fail("%s is no pair of sizes", o.field)
			return w
		}
		*o.to = [2]int{pair[0], pair[1]}
	}
	switch padding := c.get("padding").text; padding {
	case "same":
		w.same = true
	case "valid":
	default:
		b.fail("padding %q", padding)
	}
	return w
}

func (b *builder) relu(c *value, x wire) wire {
	if c.get("negative_slope").number != 0 || c.get("threshold").number != 0 {
		return b.fail("ReLU with a slope or threshold")
	}
	switch top := c.get("max_value"); {
	case top.kind == kindNull:
		return b.activate(x, "relu")
	case top.number == 6:
		return b.activate(x, "relu6")
	}
	return b.fail("ReLU up to %v", c.get("max_value").number)
}

func (b *builder) zeroPadding(c *value, x wire) wire {
	sides := c.get("padding").list
	if len(sides) == 2 {
		rows, rowsOK := sides[0].wholes()
		columns, columnsOK := sides[1].wholes()
		if rowsOK && columnsOK && len(rows) == 2 && len(columns) == 2 {
			return b.pad(x, rows[0], columns[0], rows[1], columns[1], 0)
		}
	}
	return b.fail("padding that is not given as two pairs")
}

func (b *builder) normLayer(c *value, x wire) wire {
	name := c.get("name").text
	axis, ok := c.get("axis").whole()
	if c.get("axis").kind == kindList { // Keras 2.3 writes a list of one
		if list, all := c.get("axis").wholes(); all && len(list) == 1 {
			axis, ok = list[0], true
		}
	}
	if !ok || axis != -1 && axis != len(x.shape)-1 {
		return b.fail("normalisation along axis %d", axis)
	}
	var gamma, beta string
	if c.get("scale").truth {
		gamma = name + "/gamma"
	}
	if c.get("center").truth {
		beta = name + "/beta"
	}
	return b.batchNorm(x, gamma, beta, name+"/moving_mean", name+"/moving_variance", float32(c.get("epsilon").number))
}
