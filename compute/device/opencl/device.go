//go:build linux && (amd64 || arm64) && !nogpu

package opencl

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/aiwork/aiwork-node/compute/device"
)

// A Device is one that is open. It is for one goroutine at a time.
type Device struct {
	lib                             *library
	id                              string
	handle, context, queue, program uintptr
	kernels                         map[string]entry
	buffers                         int   // that are not freed
	lost                            error // why nothing works any more
}

// An entry is a kernel that was asked for before.
type entry struct {
	handle uintptr
	items  int // of a work-group at most
}

// check notes the loss of the device, and says from then on that it is lost.
func (d *Device) check(s status, doing string) error {
	err := s.trouble(d.id, doing)
	if err != nil && s.lost() {
		d.lost = err
	}
	return err
}

const memReadWrite = 1 << 0

// Alloc takes memory of the device.
func (d *Device) Alloc(bytes int) (device.Memory, error) {
	if d.lost != nil {
		return nil, d.lost
	}
	var code int32
	h := d.lib.create(createBuffer, d.context, memReadWrite, uintptr(bytes), 0, uintptr(unsafe.Pointer(&code)))
	if err := d.check(status(code), fmt.Sprintf("take %d bytes", bytes)); err != nil {
		return nil, err
	}
	d.buffers++
	return &buffer{d, h, bytes}, nil
}

// A buffer is memory of a device.
type buffer struct {
	owner  *Device
	handle uintptr
	bytes  int
}

// Free gives the memory back, once what was launched is done with it.
func (b *buffer) Free() error {
	if b.handle == 0 {
		return nil
	}
	s := b.owner.lib.call(releaseMemObject, b.handle)
	b.handle = 0
	b.owner.buffers--
	return s.trouble(b.owner.id, "free memory")
}

// Live counts the buffers that are not freed.
func (d *Device) Live() int { return d.buffers }

// of gives the buffer behind m, which must be this device's and hold n bytes.
func (d *Device) of(m device.Memory, n int, doing string) (*buffer, error) {
	b, ok := m.(*buffer)
	if !ok || b.owner != d || b.handle == 0 || n > b.bytes {
		return nil, &device.Error{Device: d.id, Doing: doing, Reason: fmt.Sprintf("no memory of this device with %d bytes", n)}
	}
	return b, d.lost
}

// Write copies b to the beginning of m.
func (d *Device) Write(m device.Memory, b []byte) error {
	const doing = "copy to the device"
	to, err := d.of(m, len(b), doing)
	if err != nil || len(b) == 0 {
		return err
	}
	s := d.lib.call(enqueueWriteBuffer, d.queue, to.handle, 1, 0, uintptr(len(b)), uintptr(unsafe.Pointer(&b[0])), 0, 0, 0)
	return d.check(s, doing)
}

// Read copies the beginning of m to b, after everything that was launched before.
func (d *Device) Read(b []byte, m device.Memory) error {
	const doing = "copy from the device"
	from, err := d.of(m, len(b), doing)
	if err != nil || len(b) == 0 {
		return err
	}
	s := d.lib.call(enqueueReadBuffer, d.queue, from.handle, 1, 0, uintptr(len(b)), uintptr(unsafe.Pointer(&b[0])), 0, 0, 0)
	return d.check(s, doing)
}

// Launch queues a kernel.
func (d *Device) Launch(l *device.Launch) error {
	if d.lost != nil {
		return d.lost
	}
	k, err := d.kernel(l.Kernel)
	if err != nil {
		return err
	}
	if items := l.Size[0] * l.Size[1] * l.Size[2]; items > k.items {
		return &device.Error{Device: d.id, Doing: "run " + l.Kernel, Reason: fmt.Sprintf("a work-group of %d items, at most %d are possible", items, k.items)}
	}
	for i, a := range l.Args {
		if err := d.setArg(k, i, a, l.Kernel); err != nil {
			return err
		}
	}
	var all, group [3]uintptr
	for i := range all {
		group[i], all[i] = uintptr(l.Size[i]), uintptr(l.Size[i]*l.Groups[i])
	}
	s := d.lib.call(enqueueNDRangeKernel, d.queue, k.handle, 3, 0, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&group)), 0, 0, 0)
	return d.check(s, "run "+l.Kernel)
}

func (d *Device) setArg(k entry, i int, a device.Arg, kernel string) error {
	var s status
	if a.Memory == nil {
		s = d.lib.call(setKernelArg, k.handle, uintptr(i), uintptr(4*len(a.Words)), uintptr(unsafe.Pointer(&a.Words[0])))
	} else {
		b, err := d.of(a.Memory, 0, "run "+kernel)
		if err != nil {
			return err
		}
		handle := b.handle
		s = d.lib.call(setKernelArg, k.handle, uintptr(i), unsafe.Sizeof(handle), uintptr(unsafe.Pointer(&handle)))
	}
	return d.check(s, fmt.Sprintf("give argument %d to %s", i, kernel))
}

const kernelGroupSize = 0x11b0

// kernel gives one by its name, made once.
func (d *Device) kernel(name string) (entry, error) {
	if k, ok := d.kernels[name]; ok {
		return k, nil
	}
	text := append([]byte(name), 0)
	var code int32
	h := d.lib.create(createKernel, d.program, uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(&code)))
	if err := d.check(status(code), "find the kernel "+name); err != nil {
		return entry{}, err
	}
	var items uintptr
	s := d.lib.call(getKernelWorkGroupInfo, h, d.handle, kernelGroupSize, unsafe.Sizeof(items), uintptr(unsafe.Pointer(&items)), 0)
	k := entry{h, int(items)}
	d.kernels[name] = k
	return k, d.check(s, "ask about the kernel "+name)
}

// Wait waits for everything that was launched.
func (d *Device) Wait() error {
	if d.lost != nil {
		return d.lost
	}
	return d.check(d.lib.call(finish, d.queue), "wait")
}

// Close ends the device. It says so where memory of it was never freed.
func (d *Device) Close() error {
	var first error
	note := func(s status, doing string) {
		if err := s.trouble(d.id, doing); err != nil && first == nil && d.lost == nil {
			first = err
		}
	}
	for _, k := range d.kernels {
		note(d.lib.call(releaseKernel, k.handle), "release a kernel")
	}
	clear(d.kernels)
	for _, part := range []struct {
		handle  *uintptr
		release function
	}{{&d.program, releaseProgram}, {&d.queue, releaseCommandQueue}, {&d.context, releaseContext}} {
		if *part.handle != 0 {
			note(d.lib.call(part.release, *part.handle), part.release.String())
			*part.handle = 0
		}
	}
	runtime.KeepAlive(d)
	if first == nil && d.buffers != 0 {
		first = &device.Error{Device: d.id, Doing: "close", Reason: fmt.Sprintf("%d buffers were not freed", d.buffers)}
	}
	return first
}
