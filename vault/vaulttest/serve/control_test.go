package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

func TestControlMakesThingsGoWrong(t *testing.T) {
	cluster := vaulttest.Start(t, vaulttest.Options{Nodes: 2, Unruly: true})
	if err := initialise(t.Context(), cluster, 3, 2); err != nil {
		t.Fatal(err)
	}
	control := httptest.NewServer(newControl(cluster))
	defer control.Close()
	send := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, control.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
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
	health := func(node int) int {
		t.Helper()
		answer, err := operator.NewOperator(cluster.Node(node).Addr(), nil).Do(t.Context(), "GET", "sys/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Status
	}

	for act := range acts() {
		if status, text := send("POST", "/fault", `{"route": "PUT sys/rotate", "act": "`+act+`"}`); status != 204 {
			t.Errorf("%s: %d %s", act, status, text)
		}
	}
	cluster.Unscript()
	send("POST", "/fault", `{"route": "GET sys/health", "act": "sealed", "node": 1}`)
	if got := health(1); got != 503 {
		t.Errorf("health of the faulty node is %d", got)
	}
	send("POST", "/node/2/elect", "")
	if got := health(2); got != 200 {
		t.Errorf("health of the elected node is %d", got)
	}
	send("POST", "/node/2/seal", "")
	send("POST", "/node/1/restart", "")
	if one, two := health(1), health(2); one != 503 || two != 503 {
		t.Errorf("health of the sealed nodes is %d and %d", one, two)
	}
	if _, log := send("GET", "/log", ""); !strings.Contains(log, "node 2: GET sys/health") {
		t.Errorf("log: %s", log)
	}
	if _, breaches := send("GET", "/breaches", ""); breaches != "" {
		t.Errorf("breaches: %s", breaches)
	}

	for path, body := range map[string]string{
		"/fault": `{"act": "explode"}`, "/fault?": `{`, "/node/3/seal": "", "/node/x/seal": "", "/node/1/explode": "",
	} {
		if status, _ := send("POST", path, body); status < 400 {
			t.Errorf("%s %s: %d", path, body, status)
		}
	}
}
