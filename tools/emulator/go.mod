module github.com/aiwork/aiwork-node/tools/emulator

go 1.26.8
