package vaulttest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Act is the effect of a [Fault]. It stands between a request and the endpoint, and decides whether the request is
// applied and what the answer is. A test may write its own. next applies the request.
type Act func(next http.Handler) http.Handler

// Refuse answers with a status and errors of the test's choice. The request is not applied.
func Refuse(status int, errors ...string) Act {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeErrors(w, status, errors) })
	}
}

// HangUp closes the connection without an answer. The request is not applied.
func HangUp() Act {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
}

// HangUpAfter applies the request and closes the connection without an answer: the client can't tell it from [HangUp].
func HangUpAfter() Act {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})
	}
}

// RefuseAfter applies the request and answers all the same with a status and errors of the test's choice.
func RefuseAfter(status int, errors ...string) Act {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			writeErrors(w, status, errors)
		})
	}
}

// Slow waits before the request is applied. The request is applied even if the client has left meanwhile, as on a busy
// server.
func Slow(wait time.Duration) Act { return Before(func() { time.Sleep(wait) }) }

// SlowAfter applies the request at once and answers late.
func SlowAfter(wait time.Duration) Act { return After(func() { time.Sleep(wait) }) }

// NoLeader answers as a standby during an election. The request is not applied.
func NoLeader() Act { return Refuse(errNoLeader.Status, errNoLeader.Text) }

// Sealed answers as a sealed node, without sealing it. The request is not applied.
func Sealed() Act { return Refuse(errSealed.Status, errSealed.Text) }

// RedirectTo sends the client elsewhere, keeping the request's path. The request is not applied.
func RedirectTo(addr string) Act {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", addr+r.URL.RequestURI())
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
	}
}

// TooMany answers as a rate limit quota does. The request is not applied.
func TooMany(retryAfter time.Duration) Act {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
			writeErrors(w, http.StatusTooManyRequests, []string{"request path \"sys/rekey\": rate limit quota exceeded"})
		})
	}
}

// Lie applies the request and lets the test alter the JSON of its answer: another nonce, another fingerprint, other
// numbers. Numbers arrive as json.Number.
func Lie(alter func(answer map[string]any)) Act {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			truth := httptest.NewRecorder()
			next.ServeHTTP(truth, r)
			answer := map[string]any{}
			decoder := json.NewDecoder(bytes.NewReader(truth.Body.Bytes()))
			decoder.UseNumber()
			if decoder.Decode(&answer) == nil {
				alter(answer)
				truth.Body.Reset()
				json.NewEncoder(truth.Body).Encode(answer)
			}
			copyAnswer(w, truth)
		})
	}
}

// Before lets the test act before the request is applied: seal the node, cancel behind the client's back, block until
// something else has happened.
func Before(hook func()) Act {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hook()
			next.ServeHTTP(w, r)
		})
	}
}

// After lets the test act between the request's application and its answer.
func After(hook func()) Act {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			hook()
			copyAnswer(w, answer)
		})
	}
}

// Chain lets several acts happen to the same request, the first outermost.
func Chain(acts ...Act) Act {
	return func(next http.Handler) http.Handler {
		for i := len(acts) - 1; i >= 0; i-- {
			next = acts[i](next)
		}
		return next
	}
}

func writeErrors(w http.ResponseWriter, status int, errors []string) {
	if errors == nil {
		errors = []string{}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string][]string{"errors": errors})
}

func copyAnswer(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}
