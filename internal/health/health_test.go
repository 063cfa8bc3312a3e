package health

// Readiness with its reasons, metrics in agreement with it, and a port in use.

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func get(t *testing.T, url string) (int, string) {
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestReadiness(t *testing.T) {
	lag := make(chan error, 1)
	lag <- errors.New("head is 9 blocks behind")
	checks := []Check{
		{"peers", func() error { return nil }},
		{"head", func() error {
			select {
			case err := <-lag:
				lag <- err
				return err
			default:
				return nil
			}
		}},
	}
	s, err := Listen("127.0.0.1:0", prometheus.NewRegistry(), checks)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	url := "http://" + s.Addr().String()

	if code, body := get(t, url+"/livez"); code != 200 || body != "ok\n" {
		t.Errorf("livez: got %d %q", code, body)
	}
	code, body := get(t, url+"/readyz")
	want := `{"checks":[{"name":"peers","ok":true},{"name":"head","ok":false,"reason":"head is 9 blocks behind"}],"ready":false}`
	if code != 503 || strings.TrimSpace(body) != want {
		t.Errorf("not ready: got %d %s", code, body)
	}
	if _, body := get(t, url+"/metrics"); !strings.Contains(body, `aiwork_health_ready{check="head"} 0`) {
		t.Errorf("metrics: got %.500s", body)
	}
	<-lag
	if code, _ := get(t, url+"/readyz"); code != 200 {
		t.Errorf("ready: got %d", code)
	}
	if _, body := get(t, url+"/metrics"); !strings.Contains(body, `aiwork_health_ready{check="head"} 1`) {
		t.Errorf("metrics: got %.500s", body)
	}
	if _, err := Listen(s.Addr().String(), prometheus.NewRegistry(), nil); err == nil || !strings.Contains(err.Error(), "--metrics") {
		t.Errorf("port in use: got %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
