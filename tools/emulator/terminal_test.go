package main

import "testing"

func TestScreenName(t *testing.T) {
	if got, ok := screenName("Bochs connected to screen \"/dev/pts/7\"\r\n"); !ok || got != "/dev/pts/7" {
		t.Errorf("got %q, %v", got, ok)
	}
	for _, line := range []string{"", "Next at t=0", "connected to screen \"/dev/pts/7"} {
		if got, ok := screenName(line); ok {
			t.Errorf("%q: got %q", line, got)
		}
	}
}
