package slacktest_test

import (
	"testing"

	"conclave/bot/slacktest"
)

func TestSmoke(t *testing.T) {
	w, err := slacktest.Start(slacktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	alice := w.AddPerson("alice")
	ops := w.AddChannel("ops", alice, w.Bot())
	if r := alice.Command(ops, "/ceremony", "status"); r.Error != "dispatch_failed" {
		t.Errorf("got %+v", r)
	}
	ms, err := alice.DMs("hello <there> https://gnupg.org @ceremony ```-----BEGIN\nabc\n```")
	t.Log(ms, err)
}
