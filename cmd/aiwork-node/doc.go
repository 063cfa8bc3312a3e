// Command aiwork-node is a blockchain node on which AI work is ordered, done, checked and paid.
//
// One binary holds everything: the node, the worker, the inference engine's child process, local
// networks for tests, and the tools around them. `aiwork-node help` lists the commands.
//
// Exit codes: 0 done; 1 it did not work, the last line says why and what to do; 2 wrong usage;
// 3 the chain refused (a transaction reverted, a job was refused); 4 a check found a fault (db verify,
// sim, testnet).
package main
