package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/vault/vaulttest"
)

// faultRequest is a [vaulttest.Fault] in JSON.
type faultRequest struct {
	Route string `json:"route"`
	Node  int    `json:"node"`
	Skip  int    `json:"skip"`
	Times int    `json:"times"`
	Act   string `json:"act"`
}

// acts returns the faults that can be asked for by name.
func acts() map[string]vaulttest.Act { // name → act
	return map[string]vaulttest.Act{
		"refuse":        vaulttest.Refuse(http.StatusInternalServerError, "storage is down"),
		"refuse-after":  vaulttest.RefuseAfter(http.StatusInternalServerError, "storage is down"),
		"hang-up":       vaulttest.HangUp(),
		"hang-up-after": vaulttest.HangUpAfter(),
		"slow":          vaulttest.Slow(10 * time.Second),
		"slow-after":    vaulttest.SlowAfter(10 * time.Second),
		"no-leader":     vaulttest.NoLeader(),
		"sealed":        vaulttest.Sealed(),
		"too-many":      vaulttest.TooMany(5 * time.Second),
		"other-nonce": vaulttest.Lie(
			func(answer map[string]any) { answer["nonce"] = "00000000-0000-4000-8000-000000000000" }),
	}
}

// newControl serves POST /fault, POST /node/N/{restart,seal,elect}, GET /log and GET /breaches.
func newControl(cluster *vaulttest.Cluster) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		var req faultRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		act, known := acts()[req.Act]
		if !known {
			names := strings.Join(slices.Sorted(maps.Keys(acts())), ", ")
			http.Error(w, fmt.Sprintf("act: %q is none of %s", req.Act, names), http.StatusBadRequest)
			return
		}
		cluster.Script(vaulttest.Fault{Route: req.Route, Node: req.Node, Skip: req.Skip, Times: req.Times, Do: act})
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /node/{number}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.Atoi(r.PathValue("number"))
		if err != nil || number < 1 || number > len(cluster.Addrs()) {
			http.Error(w, "no such node", http.StatusNotFound)
			return
		}
		switch r.PathValue("verb") {
		case "restart":
			cluster.Node(number).Restart()
		case "seal":
			cluster.Node(number).Seal()
		case "elect":
			cluster.Elect(number)
		default:
			http.Error(w, "restart, seal or elect", http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /log", func(w http.ResponseWriter, _ *http.Request) {
		for _, request := range cluster.Log("") {
			fmt.Fprintln(w, request)
		}
	})
	mux.HandleFunc("GET /breaches", func(w http.ResponseWriter, _ *http.Request) {
		for _, breach := range cluster.Breaches() {
			fmt.Fprintln(w, breach)
		}
	})
	return mux
}
