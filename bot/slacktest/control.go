package slacktest
import "net/http"
func (w *Workspace) Control() http.Handler { return http.NotFoundHandler() }
