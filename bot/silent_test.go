package bot

import (
	"net/http"

	"github.com/gorilla/websocket"
)

// upgradeAndWait opens a socket and says nothing on it.
func upgradeAndWait(w http.ResponseWriter, r *http.Request, done <-chan struct{}) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	go func() { <-done; _ = conn.Close() }()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}
