package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestServePrintsWhereItIsAndEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, []string{"-people", "alice,bob"}, in) }()
	control := ""
	lines := bufio.NewScanner(out)
	for control == "" && lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "control   "); ok {
			control = address
		}
	}
	answer, err := http.Get(control)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || !strings.Contains(string(body), `"name":"bob"`) {
		t.Errorf("state: %s, %v", body, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
