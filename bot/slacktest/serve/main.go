// Command serve emulates a Slack workspace on loopback, with people in it, for trying out a bot by hand: the Web API and
// Socket Mode as Slack has them.
//
//	go run ./bot/slacktest/serve -people alice,bob,carol
//
// It prints where the Web API is and the two tokens. /_emu/ on the same address lets one act as the people with curl:
//
//	curl -d '{"as":"alice","channel":"ops","command":"/ceremony","text":"status"}' $URL/_emu/command
//	curl "$URL/_emu/inbox?as=alice"
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"conclave/bot/slacktest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0",
		"loopback `address` to listen on; whoever reaches it can act as anybody")
	people := flags.String("people", "alice,bob,carol,dave,erin", "`names` of the members, joined by commas")
	channel := flags.String("channel", "ops", "`name` of the channel that they and the bot are in")
	limits := flags.Bool("rate-limits", false, "answer 429 above Slack's rates")
	if err := flags.Parse(args); err != nil {
		return err
	}
	w, err := slacktest.Start(slacktest.Config{Addr: *listen, RateLimits: *limits})
	if err != nil {
		return err
	}
	defer w.Close()
	w.Handle("/_emu/", (&control{w}).handler())
	members := []*slacktest.Person{w.Bot()}
	for name := range strings.SplitSeq(*people, ",") {
		p := w.AddPerson(name)
		members = append(members, p)
		fmt.Fprintf(out, "person    %s %s\n", p.ID(), p.Name())
	}
	ops := w.AddPrivateChannel(*channel, members...)
	fmt.Fprintf(out, "channel   %s #%s\n", ops.ID(), ops.Name())
	fmt.Fprintf(out, "team      %s\n", w.TeamID())
	fmt.Fprintf(out, "api       %s/api/\n", w.URL())
	fmt.Fprintf(out, "bot token %s\n", w.BotToken())
	fmt.Fprintf(out, "app token %s\n", w.AppToken())
	fmt.Fprintf(out, "control   %s/_emu/state\n", w.URL())
	<-ctx.Done()
	return nil
}
