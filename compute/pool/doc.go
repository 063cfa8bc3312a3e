// Package pool runs items in several engine children at once.
//
// A [Pool] has a number of children, each an engine that runs one item at a time, or several of one model that it runs together, and a
// queue of items that wait for one. An [Engine] is a child; engine.Engine is one.
//
// What holds:
//
//	POOL-1  The queue has a length. When it is full, whoever brings an item waits for a place (back-pressure).
//	POOL-2  A child's crash or time-out costs the time of its item alone. The item is run again, by another child if
//	        there is one, TriesMax times in all; then its caller hears what went wrong.
//	POOL-3  What lies with the item (an input's fault, a model that is not there) is never tried again: it would be
//	        the same.
//	POOL-4  An item goes to a child that has its model at hand, if one is idle; but no item is passed over more than
//	        passedMax times for that, nor for others that join what runs already. It joins others where no child has less to do.
//	POOL-5  A child that fails again and again rests between its tries, ever longer; the others go on.
//	POOL-6  Close refuses what waits and finishes what runs.
//
// A child may have a device of its own (one process for each device); the caller's Start says which.
//
// The worker's Runner uses it for several batches at once. Auditors do not: they have one small engine, which runs items of a language
// model together, too.
//
//	p, err := pool.New(ctx, pool.Options{Engines: 2, Start: start})
//	defer p.Close()
//	output, err := p.Run(ctx, model, input)
package pool
