// Package testutil holds what tests of several packages need: the place of the repository and of the
// shared test data beside it, and skips that a run with AIWORK_TEST_ALL=1 turns into failures.
// Only tests import it.
package testutil
