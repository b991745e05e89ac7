// Command serve emulates a Vault server, initialised and unsealed, for trying things out by hand.
//
//	go run ./vault/vaulttest/serve --listen 127.0.0.1:8200 --shares 5 --threshold 3
//
// It emulates Vault 1.21, or with --dialect Vault 2.0 or OpenBao 2.6. With --seal transit it unseals itself, with
// --recovery it is in recovery mode, and with --dr-secondary it is a secondary of disaster recovery.
//
// It prints its shares and its root token, since they protect nothing. With --control it takes requests for faults on a
// second address:
//
//	curl -d '{"route": "PUT sys/rekey/update", "act": "hang-up-after"}' localhost:8201/fault
//	curl -X POST localhost:8201/node/1/restart
//	curl localhost:8201/log
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	var options vaulttest.Options
	flag.StringVar(&options.Listen, "listen", "127.0.0.1:8200", "the first node's `address`")
	flag.IntVar(&options.Nodes, "nodes", 1, "how many nodes; all but the first choose a free port")
	flag.StringVar(&options.Storage, "storage", "raft", "raft, or inmem for a server without high availability")
	flag.StringVar(&options.Seal, "seal", "shamir", "shamir, or transit for a server that unseals itself")
	flag.Func("dialect", "vault1, vault2 or openbao", func(name string) (err error) {
		options.Dialect, err = vaulttest.ParseDialect(name)
		return err
	})
	flag.Func("open", "a key `operation` that needs no token though the dialect closes it; may be repeated",
		func(name string) error {
			options.OpenEndpoints = append(options.OpenEndpoints, name)
			return nil
		})
	flag.Func("namespace", "the `name` of a namespace of OpenBao's; may be repeated", func(name string) error {
		options.Namespaces = append(options.Namespaces, name)
		return nil
	})
	flag.BoolVar(&options.DRSecondary, "dr-secondary", false, "be a secondary of disaster recovery")
	flag.BoolVar(&options.Redirect, "redirect", false, "standbys answer 307 and don't forward")
	shares := flag.Int("shares", 5, "how many shares; 0 leaves the server not initialised")
	threshold := flag.Int("threshold", 3, "how many of them are needed")
	recovery := flag.Bool("recovery", false, "restart in recovery mode once initialised")
	control := flag.String("control", "", "`address` that takes faults, if any")
	flag.Parse()

	cluster, err := vaulttest.New(options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	if *shares > 0 {
		if err := initialise(ctx, cluster, *shares, *threshold); err != nil {
			return err
		}
	}
	for i, addr := range cluster.Addrs() {
		if *recovery {
			cluster.Node(i + 1).RestartInRecoveryMode()
		}
		fmt.Printf("node %d: %s\n", i+1, addr)
	}
	if *control == "" {
		<-ctx.Done()
		return nil
	}
	return serveControl(ctx, *control, cluster)
}

func initialise(ctx context.Context, cluster *vaulttest.Cluster, shares, threshold int) error {
	keys, err := operator.NewOperator(cluster.Addr(), nil).Init(ctx, shares, threshold)
	if err != nil {
		return err
	}
	for _, addr := range cluster.Addrs() {
		if err := operator.NewOperator(addr, nil).Unseal(ctx, keys.Shares[:threshold]...); err != nil {
			return err
		}
	}
	fmt.Printf("shares, of which %d are needed:\n  %s\n", threshold, strings.Join(keys.Shares, "\n  "))
	fmt.Printf("root token: %s\n", keys.RootToken)
	return nil
}

func serveControl(ctx context.Context, addr string, cluster *vaulttest.Cluster) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("control: http://%s\n", listener.Addr())
	server := &http.Server{Handler: newControl(cluster), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close() // Serve returns, and its error says so
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
