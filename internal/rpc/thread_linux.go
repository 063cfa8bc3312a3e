package rpc

import "golang.org/x/sys/unix"

// threadNice is the priority of threads that answer heavy methods: the system gives them a tenth of what it gives
// consensus when both want a processor.
const threadNice = 10

// lowerThread lowers the priority of the thread that calls it. If the system refuses, the thread works all the
// same.
func lowerThread() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), threadNice) }
