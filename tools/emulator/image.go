package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	kernelPackage = "linux-image-cloud-amd64"
	isolinux      = "/usr/lib/ISOLINUX/isolinux.bin"
	isolinuxCore  = "/usr/lib/syslinux/modules/bios/ldlinux.c32"
)

// kernelOptions makes up for what Bochs 2.7 and its BIOS tell the kernel wrongly. Without ACPI there is no system management mode to wait for.
// clearcpuid takes away, by number: PKU (its state has no size), XSAVEC and XSAVES (their sizes are those without compaction), APERFMPERF
// (registers that are not there), and FSRM: fast strings are said to be switched off, which together with FSRM makes the kernel's memmove
// copy without end. The kernel is quiet because it waits for the serial port with each letter, at the speed of a processor that has to be
// emulated.
const kernelOptions = "console=ttyS0,115200 quiet mitigations=off nokaslr acpi=off idle=halt tsc=reliable random.trust_cpu=on lsm= nowatchdog " +
	"panic=-1 clearcpuid=515,321,323,124,580"

// debianKernel gives the kernel of Debian, downloaded into the folder once.
func debianKernel(folder string) (string, error) {
	if found, _ := filepath.Glob(filepath.Join(folder, "boot", "vmlinuz-*")); len(found) > 0 {
		return found[0], nil
	}
	depends, err := output(folder, "apt-cache", "depends", "--important", kernelPackage)
	if err != nil {
		return "", err
	}
	_, name, ok := strings.Cut(depends, "Depends: ")
	if !ok {
		return "", fmt.Errorf("%s depends on no kernel: run apt-get update", kernelPackage)
	}
	name, _, _ = strings.Cut(name, "\n")
	if _, err := output(folder, "apt-get", "download", "-q", name); err != nil {
		return "", err
	}
	packages, err := filepath.Glob(filepath.Join(folder, name+"_*.deb"))
	if err != nil || len(packages) != 1 {
		return "", fmt.Errorf("want one package %s in %s: %v", name, folder, packages)
	}
	if _, err := output(folder, "dpkg-deb", "-x", filepath.Base(packages[0]), "."); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(folder, "boot", "vmlinuz-*"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("want one kernel in package %s: %v", name, found)
	}
	return found[0], nil
}

// makeImage writes a CD that boots the kernel with the archive as its files.
func makeImage(folder, kernel string, files []byte) (string, error) {
	disc := filepath.Join(folder, "disc")
	if err := os.MkdirAll(disc, 0o755); err != nil {
		return "", err
	}
	menu := "DEFAULT guest\nPROMPT 0\nLABEL guest\n KERNEL /vmlinuz\n INITRD /files\n APPEND " + kernelOptions + "\n"
	content := map[string][]byte{"isolinux.cfg": []byte(menu), "files": files}
	for name, from := range map[string]string{"vmlinuz": kernel, "isolinux.bin": isolinux, "ldlinux.c32": isolinuxCore} {
		b, err := os.ReadFile(from)
		if err != nil {
			return "", fmt.Errorf("%w: install isolinux and syslinux-common", err)
		}
		content[name] = b
	}
	for name, b := range content {
		if err := os.WriteFile(filepath.Join(disc, name), b, 0o644); err != nil {
			return "", err
		}
	}
	_, err := output(folder, "xorriso", "-as", "mkisofs", "-quiet", "-o", "disc.iso", "-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot",
		"-boot-load-size", "4", "-boot-info-table", "disc")
	return filepath.Join(folder, "disc.iso"), err
}

// output runs a program in a folder.
func output(folder, program string, arguments ...string) (string, error) {
	c := exec.Command(program, arguments...)
	var told bytes.Buffer
	c.Dir, c.Stderr = folder, &told
	b, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(told.Bytes()))
	}
	return string(b), nil
}
