package vaulttest

import "net/http"

// putCapabilitiesSelf tells what the asker's token may do with some paths. One path's capabilities are also told under a name of their own.
func (n *Node) putCapabilitiesSelf(c *call) (any, error) {
	var req struct {
		Path  string   `json:"path"`
		Paths []string `json:"paths"`
	}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	if req.Path != "" {
		req.Paths = append(req.Paths, req.Path)
	}
	if len(req.Paths) == 0 {
		return nil, refuse(http.StatusBadRequest, "paths must be supplied")
	}
	data := map[string]any{} // path → names of capabilities
	for _, path := range req.Paths {
		names := []string{rootPolicy}
		if !c.holder.isRoot() {
			names = n.cluster.disk.capabilities(c.holder.policies, path).names()
		}
		data[path] = names
		if len(req.Paths) == 1 {
			data["capabilities"] = names
		}
	}
	return doubled(data), nil
}
