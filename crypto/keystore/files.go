package keystore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aiwork/aiwork-node/crypto/secp"
)

const (
	fileMode   = 0o600
	folderMode = 0o700
)

// FilesMax is the largest number of keys that List reads from a folder.
const FilesMax = 10_000

// FileName is the name by which wallets know a key's file: the time of its making, then the address.
func FileName(address [20]byte, made time.Time) string {
	return fmt.Sprintf("UTC--%s--%x", made.UTC().Format("2006-01-02T15-04-05.000000000Z"), address)
}

// Write encrypts a key into a new file in dir, making the folder if needed, and returns its path
// (KEYSTORE-3).
func Write(dir string, k secp.PrivateKey, password []byte, cost Cost, now time.Time) (string, error) {
	content, err := Encrypt(k, password, cost)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	path := filepath.Join(dir, FileName(k.Public().Address(), now))
	if err := writeNew(path, append(content, '\n')); err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	return path, nil
}

// writeNew brings a file into being complete and on disk. It fails with fs.ErrExist when there is one.
func writeNew(path string, content []byte) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".new-key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // has no effect once the name is taken away
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(fileMode), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Read opens a key file with a password. See Decrypt for its errors.
func Read(path string, password []byte) (secp.PrivateKey, error) {
	content, err := readFile(path)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	k, err := Decrypt(content, password)
	if err != nil {
		return secp.PrivateKey{}, fmt.Errorf("keystore %s: %w", path, err)
	}
	return k, nil
}

// Unsafe says in words why the permissions of a key file are dangerous and what to do, or "" when they are
// not.
func Unsafe(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return fmt.Sprintf("key file %s can be read by others (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
}

// An Entry is a key file that List found.
type Entry struct {
	Path    string
	Address [20]byte // zero when the file does not name it
}

// List returns the key files of a folder in the order of their names, which is the order of their making.
// Other files are passed over. A folder that does not exist has none.
func List(dir string) ([]Entry, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	var list []Entry
	for _, f := range files {
		if !f.Type().IsRegular() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		if len(list) == FilesMax {
			return nil, fmt.Errorf("keystore: more than %d keys in %s", FilesMax, dir)
		}
		path := filepath.Join(dir, f.Name())
		content, err := readFile(path)
		if err != nil {
			return nil, err
		}
		if address, _, err := Address(content); err == nil {
			list = append(list, Entry{Path: path, Address: address})
		}
	}
	return list, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, FileBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	return content, nil
}
