// Emulator runs static Linux programs on a processor that this machine may not have: the emulator Bochs is an Ice Lake, with AVX-512 and
// VNNI, and boots a Linux kernel with nothing but the programs.
//
//	emulator [flags] 'PROGRAM ARGUMENTS' ...
//
// Its nouns: a guest is the program /init (package guest), which runs the others one after the other and writes what they print to the
// serial port; an archive is the guest's files, as the kernel unpacks them into memory; an image is a CD with kernel and archive; a machine
// is Bochs running an image. A run fails if a program fails, if the processor has not got a flag that was asked for, or after a time.
//
// It needs the Debian packages bochs, bochsbios, vgabios, bochs-term, isolinux, syslinux-common and xorriso. The kernel is that of Debian's
// package linux-image-cloud-amd64, downloaded and unpacked, not installed. Nothing needs root.
//
// Programs are built with GOEXPERIMENT=nogreenteagc: on an Ice Lake, Go's garbage collector looks for pointers with AVX-512
// instructions that Bochs 2.7 gets wrong, so that memory in use is freed.
package main
