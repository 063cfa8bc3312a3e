// Package health tells operators and their tools how a node is: Prometheus metrics, /livez (the process
// answers) and /readyz (the node is fit to be asked), on a port of its own that is up before the node has
// caught up.
//
// Nouns. A Check is a name and a function that gives nil or the reason why not. /readyz runs them all and
// answers 200 or 503 with every check and its reason, because "not ready" alone helps nobody.
package health
