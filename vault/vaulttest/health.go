package vaulttest

import (
	"net/http"
	"strconv"
	"time"
)

type health struct {
	Initialized                bool   `json:"initialized"`
	Sealed                     bool   `json:"sealed"`
	Standby                    bool   `json:"standby"`
	PerformanceStandby         bool   `json:"performance_standby"`
	ReplicationPerformanceMode string `json:"replication_performance_mode"`
	ReplicationDRMode          string `json:"replication_dr_mode"`
	ServerTimeUTC              int64  `json:"server_time_utc"`
	Version                    string `json:"version"`
	ClusterName                string `json:"cluster_name,omitempty"`
	ClusterID                  string `json:"cluster_id,omitempty"`
	// Only Vault has the rest, which distinguishes it from OpenBao.
	Enterprise                        *bool  `json:"enterprise,omitempty"`
	EchoDurationMillis                *int64 `json:"echo_duration_ms,omitempty"`
	ClockSkewMillis                   *int64 `json:"clock_skew_ms,omitempty"`
	ReplicationPrimaryCanaryAgeMillis *int64 `json:"replication_primary_canary_age_ms,omitempty"`
	RemovedFromCluster                *bool  `json:"removed_from_cluster,omitempty"`
}

// getHealth shows the node's state by the status of the answer: 200 active, 429 standby, 472 secondary of disaster
// recovery, 501 not initialised, 503 sealed, The caller can change each (http/sys_health.go).
func (n *Node) getHealth(c *call) (any, error) {
	disk := &n.cluster.disk
	standby := n.cluster.active != n && (n.sealed || n.cluster.highlyAvailable())
	body := health{
		Initialized:                disk.initialized,
		Sealed:                     n.sealed,
		Standby:                    standby,
		ReplicationPerformanceMode: "disabled",
		ReplicationDRMode:          "disabled",
		ServerTimeUTC:              n.cluster.options.Now().Unix(),
		Version:                    n.cluster.options.Dialect.version(),
	}
	if n.cluster.options.Dialect != OpenBao {
		body.Enterprise = new(n.cluster.options.DRSecondary)
		body.EchoDurationMillis, body.ClockSkewMillis, body.ReplicationPrimaryCanaryAgeMillis = new(int64), new(int64), new(
			int64)
		if n.cluster.highlyAvailable() {
			body.RemovedFromCluster = new(bool)
		}
	}
	if n.sealed {
		body.ReplicationPerformanceMode, body.ReplicationDRMode = "unknown", "unknown"
	} else {
		body.ClusterID, body.ClusterName = disk.clusterID, disk.clusterName
	}
	if n.cluster.options.DRSecondary && !n.sealed {
		body.ReplicationDRMode = "secondary"
	}
	status, err := http.StatusOK, error(nil)
	switch {
	case !disk.initialized:
		status, err = statusParameter(c, "uninitcode", http.StatusNotImplemented)
	case n.sealed:
		status, err = statusParameter(c, "sealedcode", http.StatusServiceUnavailable)
	case n.cluster.options.DRSecondary:
		status, err = statusParameter(c, "drsecondarycode", 472)
	case standby && !c.query.Has("standbyok"):
		status, err = statusParameter(c, "standbycode", http.StatusTooManyRequests)
	default:
		status, err = statusParameter(c, "activecode", http.StatusOK)
	}
	return withStatus{status, body}, err
}

func statusParameter(c *call, name string, otherwise int) (int, error) {
	if !c.query.Has(name) {
		return otherwise, nil
	}
	status, err := strconv.Atoi(c.query.Get(name))
	if err != nil || status < 100 || status > 599 {
		return 0, &Refusal{Status: http.StatusBadRequest}
	}
	return status, nil
}

type leader struct {
	HAEnabled            bool      `json:"ha_enabled"`
	IsSelf               bool      `json:"is_self"`
	ActiveTime           time.Time `json:"active_time"`
	LeaderAddress        string    `json:"leader_address"`
	LeaderClusterAddress string    `json:"leader_cluster_address"`
	PerformanceStandby   bool      `json:"performance_standby"`
	LastRemoteWAL        int       `json:"performance_standby_last_remote_wal"`
}

func (n *Node) getLeader(*call) (any, error) {
	if !n.cluster.highlyAvailable() {
		return leader{}, nil
	}
	if err := n.readyLocked(); err != nil {
		return nil, err
	}
	active := n.cluster.active
	if active == nil {
		return leader{HAEnabled: true}, nil
	}
	body := leader{HAEnabled: true, IsSelf: active == n, LeaderAddress: active.Addr()}
	if body.IsSelf {
		body.ActiveTime = n.activeSince
	}
	return body, nil
}
