//go:build tools

// Package tools names the etcd that the suite's aggregated API server keeps its objects in. A module of its own:
// its dependencies are of other versions than Kubernetes'.
package tools

import _ "go.etcd.io/etcd/server/v3"
