//go:build !paranoid

package must

// Costly says whether expensive checks run. It is set by the build tag "paranoid".
const Costly = false
