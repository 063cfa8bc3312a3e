module github.com/aiwork/aiwork-node/tools/llamaref

go 1.26.8

require github.com/aiwork/aiwork-node v0.0.0

require golang.org/x/sys v0.49.0 // indirect

replace github.com/aiwork/aiwork-node => ../..
